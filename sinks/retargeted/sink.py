"""The retargeting sink: chunks of canonical frames to chunks in the joints of other robots.

At least once, as everything on the log: a chunk may be sent twice, with the same bytes. Offsets are
committed when the broker has what came of them, and never behind the beginning of a stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from schemas.canonical import CanonicalChunk
from schemas.processing import CODE_VERSION
from schemas.retargeted import (
    CLAMPED,
    REACHABLE,
    RESEEDED,
    VELOCITY_LIMITED,
    RetargetedChunk,
    encode_retargeted,
)
from schemas.topics import retargeted_topic
from schemas.vendors import Vendor
from sinks.foreign import fact_of
from sinks.measure import DUPLICATES, FRAMES
from sinks.publisher import Outgoing
from sinks.record import Place, Record
from sinks.retargeted.stretches import Stretch, Stretches
from streams.body_plan import BodyPlan, CanonicalBody, canonicalise, compile_plan
from streams.retarget_plan import (
    Retargeted,
    TargetPlan,
    following,
    retarget,
    start_retarget,
)

NAME = "retarget"
TRIM_EVERY = 10_000

VendorOf = Callable[[str], Vendor]
"""The vendor of a profile; raises where the profile is not known."""


class Sender(Protocol):
    """What brings records to the broker."""

    def send(self, records: Sequence[Outgoing]) -> None:
        """Send records and wait until they are acknowledged."""


class RetargetSink:
    """Plays what it takes on every target; sends it when asked to settle."""

    def __init__(self, targets: Sequence[TargetPlan], vendor_of: VendorOf, sender: Sender) -> None:
        self._targets = {target.embodiment.id: target for target in targets}
        self._vendor_of = vendor_of
        self._sender = sender
        self._bodies: dict[str, BodyPlan | None] = {}
        self._followed: dict[tuple[str, str], TargetPlan] = {}
        self._places: dict[Place, Stretches] = {}
        self._outbox: list[Outgoing] = []
        self._taken = 0

    def take(self, record: Record) -> None:
        """Retarget a chunk; what comes of it waits until `settle`."""
        fact = fact_of(record)
        own = self._places.setdefault(record.place, Stretches())
        if not isinstance(fact, CanonicalChunk):
            own.mark(fact, record.offset, record.timestamp_ms)
            return
        stretch = own.of(fact, record.offset, record.timestamp_ms)
        body = self._body(fact.profile)
        if stretch is None or body is None:
            return
        if fact.sequence in stretch.sequences:
            DUPLICATES.labels(NAME).inc()
            return
        self._play(fact, body, stretch, record)
        FRAMES.labels(NAME).inc(fact.frames)

    def settle(self, final: bool) -> Mapping[Place, int]:
        """Send everything; what is needed again are the beginnings of open stretches."""
        self._sender.send(self._outbox)
        self._taken += len(self._outbox)
        self._outbox.clear()
        if self._taken >= TRIM_EVERY:
            self._taken = 0
            for own in self._places.values():
                own.trim()
        return {place: own.needed() for place, own in self._places.items()}

    def oldest_ms(self) -> int | None:
        """Nothing waits longer than a turn."""
        return None

    def reset(self) -> None:
        """Forget every stretch and what was not sent."""
        self._places.clear()
        self._outbox.clear()

    def _play(
        self, chunk: CanonicalChunk, body: BodyPlan, stretch: Stretch, record: Record
    ) -> None:
        late = chunk.sequence < stretch.newest
        stretch.sequences.add(chunk.sequence)
        motion: CanonicalBody = canonicalise(body, chunk.position.astype(np.float64), None)
        for name in self._targets:
            target = self._plan(name, chunk.profile)
            state = None if late else stretch.states.get(name)
            after, played = retarget(
                target, start_retarget(target) if state is None else state, motion, chunk.t_ns
            )
            if not late:
                stretch.states[name] = after
            value = encode_retargeted(_chunk(chunk, target, played))
            key = record.key or chunk.robot.encode()
            partition = record.place.partition
            self._outbox.append(Outgoing(retargeted_topic(name), partition, key, value))

    def _body(self, profile: str) -> BodyPlan | None:
        """How a profile's channels drive its robot; None where no other robot can follow it."""
        if profile not in self._bodies:
            vendor = self._vendor_of(profile)
            own = vendor.profile
            self._bodies[profile] = (
                compile_plan(vendor.embodiment, own.channel_joints, own.channel_dofs, own.assume)
                if vendor.embodiment.kind == "full"
                else None
            )
        return self._bodies[profile]

    def _plan(self, name: str, profile: str) -> TargetPlan:
        key = (name, profile)
        if key not in self._followed:
            embodiment = self._vendor_of(profile).embodiment
            self._followed[key] = following(self._targets[name], embodiment)
        return self._followed[key]


def _chunk(chunk: CanonicalChunk, target: TargetPlan, played: Retargeted) -> RetargetedChunk:
    solve = np.zeros(played.reachable.shape, np.uint8)
    for bit, told in (
        (REACHABLE, played.reachable),
        (CLAMPED, played.clamped),
        (VELOCITY_LIMITED, played.velocity_limited),
        (RESEEDED, played.reseeded),
    ):
        solve |= told * np.uint8(bit)
    return RetargetedChunk(
        robot=chunk.robot,
        session=chunk.session,
        sequence=chunk.sequence,
        first_frame=chunk.first_frame,
        frames=chunk.frames,
        episode=chunk.episode,
        processing_id=chunk.processing_id,
        embodiment=target.embodiment.id,
        embodiment_hash=target.embodiment.hash,
        code_version=CODE_VERSION,
        source_topic=chunk.source_topic,
        source_partition=chunk.source_partition,
        source_offset=chunk.source_offset,
        log_ms=chunk.log_ms,
        t_ns=chunk.t_ns,
        joints=target.joint_names,
        position=played.position_rad.astype(np.float32),
        status=played.status,
        limbs=target.limb_names,
        residual_pct=played.residual_pct.astype(np.float32),
        residual_rad=played.residual_rad.astype(np.float32),
        solve=solve,
    )
