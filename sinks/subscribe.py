"""Follow a topic from one's own program: numpy batches, canonical or in any robot's joints.

    h1, folding = compile_target(load_embodiment("unitree_h1")), read_where("task like 'fold%'")
    for batch in follow(bootstrap, load_vendors(), Start.now(), where=folding, target=h1):
        batch.joint_names, batch.position_rad   # [J], [T, J]

A subscriber has no consumer group and commits nothing: it sees every partition, from where it says,
and what a worker sent twice it sees once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog

from schemas.canonical import CanonicalChunk, decode_canonical
from schemas.codec import CodecError
from schemas.events import decode_event
from schemas.topics import CANONICAL_FRAMES, EPISODES
from schemas.vendors import Vendor, Vendors
from sinks.choosing import Chooser
from sinks.lake.intervals import Intervals
from sinks.record import Record
from sinks.topic_reader import Start, read
from sinks.where.tree import Node
from streams.body_plan import BodyPlan, canonicalise, compile_plan
from streams.retarget_plan import (
    RetargetState,
    TargetPlan,
    following,
    retarget,
    start_retarget,
)

_log = structlog.get_logger()

MAX_STREAMS = 4_096
"""Sessions whose sequences and retargeting states are remembered; the longest unheard go first."""


@dataclass(frozen=True)
class Batch:
    """One chunk of one robot, T frames.

    Attributes:
        chunk: as it stands on the topic.
        joint_names: [J] of the target, or the native channels.
        position_rad: [T, J] in those joints.
        residual_pct, residual_rad, reachable: [T, L] the solve record of the target's limbs; empty
            without a target.
    """

    chunk: CanonicalChunk
    joint_names: tuple[str, ...]
    position_rad: npt.NDArray[np.floating[Any]]
    residual_pct: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    residual_rad: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    reachable: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty((0, 0), np.bool_))


class UnknownProfileError(LookupError):
    """Frames of a profile that is not here."""


def follow(
    bootstrap: str,
    vendors: Vendors,
    start: Start,
    *,
    where: Node | None = None,
    target: TargetPlan | None = None,
    stop: Event | None = None,
) -> Iterator[Batch]:
    """Batches of `canonical.frames`, for ever or until told to stop.

    Args:
        bootstrap: the broker.
        vendors: profiles of the robots, which name their channels.
        start: where to begin.
        where: which frames, by what is known of their episode while it runs; None: all.
        target: the robot whose joints they shall be in; None: the robots' own.
        stop: ends it.

    Raises:
        UnknownProfileError: a robot's profile is not among the vendors.
        WhereError: the condition asks what nobody knows before an episode has ended.
    """
    turn = Player(vendors, target)
    chooser = None if where is None else Chooser(where)
    starts = {CANONICAL_FRAMES: start}
    if chooser is not None and chooser.asks_episodes:
        starts[EPISODES] = Start(beginning=True)
    for record in read(bootstrap, starts, stop):
        try:
            chosen = _chosen(record, chooser)
        except CodecError as error:
            _log.warning("stepped over", at=f"{record.place}@{record.offset}", reason=str(error))
            continue
        for chunk in chosen:
            batch = turn.play(chunk)
            if batch is not None:
                yield batch


def _chosen(record: Record, chooser: Chooser | None) -> Iterable[CanonicalChunk]:
    """The chunks that a record lets through: its own, or those that waited for it."""
    if record.value is None:
        return ()
    if record.place.topic == EPISODES:
        return chooser.opened(decode_event(record.value)) if chooser else ()
    fact = decode_canonical(record.value)
    if not isinstance(fact, CanonicalChunk):
        return ()
    return (fact,) if chooser is None else chooser.offered(fact)


class Player:
    """Turns chunks into batches; remembers of each session what came and how it was retargeted."""

    def __init__(self, vendors: Vendors, target: TargetPlan | None) -> None:
        self._vendors = vendors
        self._target = target
        self._plans: dict[str, tuple[BodyPlan, TargetPlan]] = {}
        self._seen: OrderedDict[tuple[str, str, str], _Heard] = OrderedDict()

    def play(self, chunk: CanonicalChunk) -> Batch | None:
        """The chunk as a batch; None where it came before."""
        vendor = self._vendors.by_profile.get(chunk.profile)
        if vendor is None:
            raise UnknownProfileError(
                f"no profile {chunk.profile!r} here; name its folder by KINEBUS_PROFILES"
            )
        heard = self._heard(chunk)
        if chunk.sequence in heard.sequences:
            return None
        late = bool(heard.sequences.ranges()) and chunk.sequence < heard.sequences.ranges()[-1][1]
        heard.sequences.add(chunk.sequence)
        if self._target is None or vendor.embodiment.kind != "full":
            return Batch(chunk, vendor.profile.channel_names, chunk.position)
        return self._retargeted(self._target, vendor, chunk, heard, late)

    def _retargeted(
        self, target: TargetPlan, vendor: Vendor, chunk: CanonicalChunk, heard: _Heard, late: bool
    ) -> Batch:
        if chunk.profile not in self._plans:
            profile = vendor.profile
            self._plans[chunk.profile] = (
                compile_plan(
                    vendor.embodiment, profile.channel_joints, profile.channel_dofs, profile.assume
                ),
                following(target, vendor.embodiment),
            )
        plan, target = self._plans[chunk.profile]
        body = canonicalise(plan, chunk.position.astype(np.float64), None)
        # An episode begins anew, so that what is seen here equals what is exported of it.
        fresh = heard.state is None or heard.episode != chunk.episode or late
        state = start_retarget(target) if fresh or heard.state is None else heard.state
        state, played = retarget(target, state, body, chunk.t_ns)
        if not late:
            heard.state, heard.episode = state, chunk.episode
        return Batch(
            chunk,
            target.joint_names,
            played.position_rad,
            played.residual_pct,
            played.residual_rad,
            played.reachable,
        )

    def _heard(self, chunk: CanonicalChunk) -> _Heard:
        key = (chunk.robot, chunk.session, chunk.processing_id)
        heard = self._seen.setdefault(key, _Heard())
        self._seen.move_to_end(key)
        if len(self._seen) > MAX_STREAMS:
            self._seen.popitem(last=False)
        return heard


@dataclass
class _Heard:
    sequences: Intervals = field(default_factory=Intervals)
    state: RetargetState | None = None
    episode: str | None = None
