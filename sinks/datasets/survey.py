"""The first look at each chosen episode: what it reports, how it is timed, whether it can be used.

What a data set's columns are follows from what all of its episodes report, so it must be known
before the first row is written; it takes the times and native positions of each episode alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from obstore.store import ObjectStore

from schemas.body import COMPLEXES, DOFS, HAND_DOF_START
from schemas.embodiment import Embodiment
from schemas.vendors import Vendor
from sinks.catalogue import Episode
from sinks.datasets.episode import BASE, read_manifest
from sinks.datasets.grid import NS, longest_gap_ns
from sinks.lake.columns import signal
from sinks.objects import read_object

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

LEAST_HZ = 10.0
LOST_PERIODS = 1.5
LIMBS = {
    "left arm": ("left_shoulder", "left_elbow", "left_wrist"),
    "right arm": ("right_shoulder", "right_elbow", "right_wrist"),
    "left leg": ("left_hip", "left_knee", "left_ankle"),
    "right leg": ("right_hip", "right_knee", "right_ankle"),
}


@dataclass(frozen=True)
class Surveyed:
    """What the first look at an episode saw.

    Attributes:
        episode: of the catalogue.
        vendor: its profile and embodiment.
        frames: how many.
        rate_hz: mean rate.
        longest_gap_ns: between neighbouring frames.
        jitter: standard deviation of the time between frames over the nominal period, of the raw
            stream; None where the robot sends no clock.
        loss: share of the steps between frames that are longer than 1.5 nominal periods; likewise.
        channels: native channels that are never missing for longer than may be bridged.
        commanded: those of them that a command comes for.
        base: of `BASE`, what the robot reports.
        fingerprint: the same for two takes with the same positions frame by frame.
        refused: why it cannot be part of any data set; None where it can.
    """

    episode: Episode
    vendor: Vendor
    frames: int
    rate_hz: float
    longest_gap_ns: int
    jitter: float | None
    loss: float | None
    channels: frozenset[str]
    commanded: frozenset[str]
    base: frozenset[str]
    fingerprint: str
    refused: str | None

    @property
    def end_poses(self) -> frozenset[str]:
        """Hands and feet that hang on a limb which is reported whole."""
        body = self.vendor.embodiment
        limbs = whole_limbs(body, self.channels)
        ends = {f"{s}_hand": f"{s} arm" for s in body.hand_pose}
        ends |= {f"{s}_foot": f"{s} leg" for s in body.foot_pose}
        return frozenset(end for end, limb in ends.items() if limb in limbs)

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return ((self.episode.t_last_ns or 0) - (self.episode.t_first_ns or 0)) / NS


def survey(
    store: ObjectStore, episode: Episode, vendors: Mapping[str, Vendor], max_gap_ns: int
) -> Surveyed:
    """Look at one episode.

    Args:
        store: the lake.
        episode: a sealed one.
        vendors: by profile id.
        max_gap_ns: a longer step between frames is not bridged.
    """
    vendor = vendors[episode.profile or ""]
    names = vendor.profile.channel_names
    table, held = _looked_at(store, episode)
    order_ns = table["t_ns"].to_numpy()
    t_ns = np.sort(order_ns)
    planes = signal(table, "position")
    position = list(planes) if planes is not None else [np.empty(0, np.float32) for _ in names]
    action = signal(table, "action")
    hashed = hashlib.sha256()
    for plane in position:
        hashed.update(plane.data)
    channels = frozenset(
        name
        for name, values in zip(names, position, strict=True)
        if missing_ns(order_ns, values) <= max_gap_ns
    )
    commanded = frozenset(
        name
        for name, values in zip(names, () if action is None else action, strict=action is not None)
        if np.isfinite(values).any()
    )
    frames = len(t_ns)
    span = int(t_ns[-1] - t_ns[0]) if frames else 0
    rate_hz = (frames - 1) * NS / span if span else 0.0
    gap = longest_gap_ns(t_ns)
    steps = np.diff(t_ns) * vendor.profile.rate_hz / NS
    timed = vendor.profile.clock.field is not None and len(steps) > 0
    return Surveyed(
        episode=episode,
        vendor=vendor,
        frames=frames,
        rate_hz=rate_hz,
        longest_gap_ns=gap,
        jitter=float(np.std(steps)) if timed else None,
        loss=float(np.mean(steps > LOST_PERIODS)) if timed else None,
        channels=channels,
        commanded=commanded,
        base=frozenset(name for name in BASE if name in held),
        fingerprint=hashed.hexdigest(),
        refused=_refusal(vendor.embodiment, channels, frames, rate_hz, gap, max_gap_ns),
    )


def missing_ns(t_ns: I64, values: F32) -> int:
    """The longest time without a number, the episode's edges included. t_ns, values: [T]."""
    finite = np.isfinite(values)
    if finite.all():
        return 0
    if not finite.any():
        return np.iinfo(np.int64).max
    inside = np.sort(t_ns[finite])
    return longest_gap_ns(np.concatenate([[t_ns.min()], inside, [t_ns.max()]]))


def whole_limbs(embodiment: Embodiment, channels: frozenset[str]) -> list[str]:
    """Arms and legs of which every joint is among the channels."""
    whole = []
    for limb, complexes in LIMBS.items():
        joints = [joint for name in complexes for joint in embodiment.complexes.get(name, ())]
        if joints and set(joints) <= channels:
            whole.append(limb)
    return whole


def commanded_dofs(vendor: Vendor, commanded: frozenset[str]) -> frozenset[str]:
    """Canonical DoFs that commands move, from the names of the channels they come for.

    The DoFs of a complex are moved together, as are the fingers that follow a gripper.
    """
    profile, body = vendor.profile, vendor.embodiment
    parts = zip(profile.channel_names, profile.channel_joints, profile.channel_dofs, strict=True)
    found, joints = set[str](), set[str]()
    for name, joint, dof in parts:
        if name in commanded:
            found |= {dof} if dof else set()
            joints |= {joint} if joint else set()
    for complex_ in COMPLEXES:
        if joints & set(body.complexes.get(complex_.name, ())):
            found |= set(complex_.dofs)
    for side, hand in body.hands.items():
        found |= {finger.dof for finger in hand.joints if finger.joint in joints}
        own = {dof for dof in DOFS[HAND_DOF_START:] if dof.startswith(side)}
        if hand.kind == "gripper" and found & own:
            found |= own
    return frozenset(found)


def _refusal(
    embodiment: Embodiment,
    channels: frozenset[str],
    frames: int,
    rate_hz: float,
    gap_ns: int,
    max_gap_ns: int,
) -> str | None:
    if frames < 2:
        return "it holds fewer than two frames"
    if rate_hz < LEAST_HZ:
        return f"its frames come at {rate_hz:.3g} Hz; training needs {LEAST_HZ:g} Hz"
    if not whole_limbs(embodiment, channels):
        return "no limb of it is whole: every arm and leg lacks joints"
    if gap_ns > max_gap_ns:
        return f"no frame for {gap_ns / NS:.3f} s; at most {max_gap_ns / NS:g} s is bridged"
    return None


def _looked_at(store: ObjectStore, episode: Episode) -> tuple[pa.Table, frozenset[str]]:
    """Times, native positions and actions of all segments, and the names of all columns.

    Hashes are checked when the episode is read whole.
    """
    tables, held = [], frozenset[str]()
    for segment in read_manifest(store, episode)["segments"]:
        file = pq.ParquetFile(pa.BufferReader(read_object(store, segment["key"])))
        held = frozenset(file.schema_arrow.names)
        wanted = [name for name in ("t_ns", "position", "action") if name in held]
        tables.append(file.read(wanted, use_threads=False))
    table = pa.concat_tables(tables) if tables else pa.table({"t_ns": pa.array([], pa.int64())})
    return table, held
