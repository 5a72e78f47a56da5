"""Is an episode still what was sealed? Opens every object of it and compares hashes and counts."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from obstore.store import ObjectStore

from sinks.catalogue import Episode
from sinks.objects import digest, read_object


@dataclass(frozen=True)
class Verified:
    """What the objects of an episode were found to be.

    Attributes:
        episode: its id.
        objects: how many were opened.
        frames: rows in them.
        problems: what is not as it was sealed; empty when all is well.
    """

    episode: str
    objects: int
    frames: int
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every object is as it was sealed."""
        return not self.problems

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "episode": self.episode,
            "ok": self.ok,
            "objects": self.objects,
            "frames": self.frames,
            "problems": self.problems,
        }


def verify(store: ObjectStore, episode: Episode) -> Verified:
    """Recompute the hashes of an episode's manifest and segments, and count their rows."""
    if episode.manifest is None:
        return Verified(episode.episode, 0, 0, ["it is not sealed: it has no manifest"])
    data = _read(store, episode.manifest)
    if data is None:
        return Verified(episode.episode, 0, 0, [f"{episode.manifest} is gone"])
    if digest(data) != episode.manifest_sha256:
        wrong = f"{episode.manifest} is not the manifest that was announced"
        return Verified(episode.episode, 1, 0, [wrong])
    manifest = orjson.loads(data)
    frames, problems = 0, []
    for rows, problem in (_segment(store, told) for told in manifest["segments"]):
        frames += rows
        problems += problem
    if not problems and not frames == manifest["frames"] == episode.frames:
        problems.append(
            f"{frames} rows are here, the manifest says {manifest['frames']}, the tracker counted "
            f"{episode.frames}"
        )
    return Verified(episode.episode, 1 + len(manifest["segments"]), frames, problems)


def verify_all(store: ObjectStore, episodes: list[Episode]) -> Iterator[Verified]:
    """One after the other."""
    for episode in episodes:
        yield verify(store, episode)


def _segment(store: ObjectStore, told: dict[str, Any]) -> tuple[int, list[str]]:
    key = told["key"]
    data = _read(store, key)
    if data is None:
        return 0, [f"{key} is gone"]
    if digest(data) != told["sha256"]:
        return 0, [f"{key} is not what was sealed: its SHA-256 differs"]
    try:
        rows = pq.read_table(io.BytesIO(data), use_threads=False).num_rows
    except (pa.ArrowInvalid, OSError) as error:
        return 0, [f"{key} cannot be read: {error}"]
    wrong = [f"{key} holds {rows} rows, the manifest says {told['frames']}"]
    return rows, [] if rows == told["frames"] else wrong


def _read(store: ObjectStore, key: str) -> bytes | None:
    try:
        return read_object(store, key)
    except FileNotFoundError:
        return None
