"""One sealed episode out of the lake: its segments, checked by hash, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from obstore.store import ObjectStore

from schemas.body import DOFS
from sinks.catalogue import Episode
from sinks.lake.columns import matrix, signal
from sinks.objects import digest, read_object

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]

ChannelNames = Callable[[str], tuple[str, ...]]

POSE_PARTS = 7
BASE = {
    "base_position": "xyz",
    "base_quaternion": "wxyz",
    "base_angular_velocity": "xyz",
    "base_acceleration": "xyz",
}


class CorruptEpisodeError(RuntimeError):
    """An object that is not what the manifest says; the message names it."""


ANGLE = frozenset({"angle", "angle_status"})
POSES = frozenset({"hand_pose", "foot_pose"})
NATIVE = frozenset({"velocity", "effort", "action"})
EVERY_SIGNAL = NATIVE | ANGLE | POSES | frozenset(BASE) | {"frame"}
"""What may be asked of an episode beside times, positions and flags."""


@dataclass(frozen=True, slots=True)
class SealedFrames:
    """The T frames of one episode as they lie in the lake, in the order of their times.

    Of frames that carry the same time the last one stands here. C native channels. A signal that
    was not asked for is None, absent from `base`, or without components.

    Attributes:
        channels: [C] names.
        t_ns: [T] rising.
        frame: [T] index in the session.
        position: [C, T] rad, m, or 0 open … 1 closed; NaN where a frame lacks it.
        velocity, effort: [C, T] rad/s and N m, None where the robot reports none.
        action: [C, T] commanded position, None where the robot sends none.
        angle: [44, T] canonical, NaN where absent.
        angle_status: [T, 44].
        hand_pose: [2, 7, T] left, right; pelvis frame; xyz m and wxyz; None without geometry.
        foot_pose: [2, 7, T] likewise.
        base: by name (`BASE`): [3 or 4, T], those the robot reports.
        flags: [T] bits of the check catalogue.
    """

    channels: tuple[str, ...]
    t_ns: I64
    frame: I64
    position: F32
    velocity: F32 | None
    effort: F32 | None
    action: F32 | None
    angle: F32
    angle_status: U8
    hand_pose: F32 | None
    foot_pose: F32 | None
    base: Mapping[str, F32]
    flags: U64

    @property
    def frames(self) -> int:
        """T."""
        return len(self.t_ns)


def read_manifest(store: ObjectStore, episode: Episode) -> dict[str, Any]:
    """An episode's manifest; CorruptEpisodeError where it is not the one that was announced."""
    if episode.manifest is None:
        raise CorruptEpisodeError(f"{episode.episode} has no manifest: it is not sealed")
    data = _object(store, episode.manifest, episode.manifest_sha256)
    manifest: dict[str, Any] = orjson.loads(data)
    return manifest


def read_frames(
    store: ObjectStore,
    episode: Episode,
    channels: tuple[str, ...],
    pool: Executor | None = None,
    signals: Collection[str] = EVERY_SIGNAL,
) -> SealedFrames:
    """All frames of a sealed episode, each object checked against its hash in the manifest.

    Args:
        store: the lake.
        episode: from the catalogue.
        channels: names of the native channels, from the episode's profile.
        pool: reads several objects at a time.
        signals: of `EVERY_SIGNAL`, those that are wanted; others are not decoded.
    """
    manifest = read_manifest(store, episode)
    wanted = ("t_ns", "flags", "position", *sorted(signals))

    def table(segment: Mapping[str, Any]) -> pa.Table:
        data = _object(store, segment["key"], segment["sha256"])
        file = pq.ParquetFile(pa.BufferReader(data))
        there = set(file.schema_arrow.names)
        return file.read([name for name in wanted if name in there], use_threads=False)

    segments = manifest["segments"]
    tables = list(pool.map(table, segments) if pool else map(table, segments))
    if not tables:
        raise CorruptEpisodeError(f"{episode.episode} holds no frames")
    frames = _frames(pa.concat_tables(tables), channels, signals)
    held = sum(one.num_rows for one in tables)
    if held != manifest["frames"]:
        raise CorruptEpisodeError(
            f"{episode.episode}: its objects hold {held} frames, the manifest says "
            f"{manifest['frames']}"
        )
    return frames


def _object(store: ObjectStore, key: str, sha256: str | None) -> bytes:
    try:
        data = read_object(store, key)
    except FileNotFoundError:
        raise CorruptEpisodeError(f"{key} is not in the lake") from None
    if digest(data) != sha256:
        raise CorruptEpisodeError(
            f"{key} is not what was sealed: its SHA-256 differs from the manifest's "
            "(`kinebus episodes verify` lists every such object)"
        )
    return data


def _frames(table: pa.Table, channels: tuple[str, ...], signals: Collection[str]) -> SealedFrames:
    t_ns = table["t_ns"].to_numpy()
    # Stable, and the last of equals is kept: a repeated stamp is overwritten by what came later.
    order = np.argsort(t_ns, kind="stable")
    last = np.append(np.diff(t_ns[order]) != 0, True)
    kept = order[last]
    whole = len(kept) == len(t_ns) and bool((kept[:-1] < kept[1:]).all())

    def column(name: str) -> npt.NDArray[Any]:
        values: npt.NDArray[Any] = table[name].to_numpy()
        return values if whole else values[kept]

    def planes(name: str) -> F32 | None:
        values = signal(table, name)
        return values if values is None or whole else values[:, kept]

    def poses(name: str) -> F32 | None:
        both = planes(name)
        return None if both is None else both.reshape(2, POSE_PARTS, -1)

    base = {name: planes(name) for name in BASE}
    angle = np.empty((0, len(kept)), np.float32)
    if "angle" in signals:
        angle = _required(planes("angle"), len(DOFS))
    status = np.empty((len(kept), 0), np.uint8)
    if "angle_status" in signals:
        status = matrix(table["angle_status"], np.uint8)[slice(None) if whole else kept]
    return SealedFrames(
        channels=channels,
        t_ns=column("t_ns"),
        frame=column("frame") if "frame" in signals else np.empty(0, np.int64),
        position=_required(planes("position"), len(channels)),
        velocity=planes("velocity"),
        effort=planes("effort"),
        action=planes("action"),
        angle=angle,
        angle_status=status,
        hand_pose=poses("hand_pose"),
        foot_pose=poses("foot_pose"),
        base={name: values for name, values in base.items() if values is not None},
        flags=column("flags"),
    )


def _required(values: F32 | None, components: int) -> F32:
    if values is None or len(values) != components:
        raise CorruptEpisodeError("a segment lacks what its profile's channels name")
    return values
