"""One chunk, from the vendor's bytes to its canonical record and its findings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.canonical import CanonicalChunk, encode_chunk
from schemas.envelope import Envelope
from schemas.events import encode_report
from schemas.limits import MAX_NS
from schemas.registry import Registry
from schemas.rejected import Reason, Rejected
from schemas.topics import CANONICAL_FRAMES, QUALITY_REPORTS
from schemas.vendors import Vendor, Vendors
from streams.body_plan import BodyPlan, compile_plan
from streams.canonicalise import Motion, fresh_motion, move
from streams.check import CheckPlan, check_chunk, compile_checks, fresh_checks_of
from streams.decode import Decoder, RawChunk, compile_decoder, decode_chunk
from streams.gaps import cut_at_gaps
from streams.outside import apply_due
from streams.records import Output, RawRecord
from streams.report import count_errors, episode_limits, report_of, tell
from streams.state import RobotState
from streams.track import count_frames

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Processor:
    """Everything that turns one profile's chunks into canonical ones, compiled once."""

    vendor: Vendor
    registry: Registry
    decoder: Decoder
    body: BodyPlan
    checks: CheckPlan
    geometry: bool

    @property
    def processing_id(self) -> str:
        """The id that owns the frames it makes."""
        return self.vendor.processing_id


def compile_processor(vendor: Vendor, registry: Registry) -> Processor:
    """Compile one profile."""
    profile, embodiment = vendor.profile, vendor.embodiment
    return Processor(
        vendor,
        registry,
        compile_decoder(vendor),
        compile_plan(embodiment, profile.channel_joints, profile.channel_dofs, profile.assume),
        compile_checks(profile, embodiment, vendor.thresholds),
        embodiment.kind == "full",
    )


def compile_all(vendors: Vendors) -> dict[str, Processor]:
    """Compile every profile, by its id."""
    return {
        name: compile_processor(vendor, vendors.registry)
        for name, vendor in vendors.by_profile.items()
    }


# A number beyond float32 becomes infinite, and the checks say so; nobody needs a warning, too.
@np.errstate(over="ignore", invalid="ignore")
def process_chunk(
    processor: Processor, state: RobotState, record: RawRecord, envelope: Envelope, *, late: bool
) -> tuple[RobotState, list[Output]] | Rejected:
    """Decode, canonicalise and check one chunk.

    A late chunk is canonicalised like any other, by itself: it neither reads nor changes what is
    carried from frame to frame.
    """
    chunk = decode_chunk(processor.decoder, processor.registry, record.value, envelope)
    if isinstance(chunk, Rejected):
        return chunk
    offset_ns = state.clock_offset_ns
    if offset_ns is None:
        offset_ns = envelope.published_ns - int(chunk.stamp_ns[0])
        state = state._replace(clock_offset_ns=offset_ns)
    if not _in_time(chunk.stamp_ns, offset_ns):
        detail = f"stamps lie too far from the session's first: offset {offset_ns} ns"
        return Rejected(Reason.BAD_TIME, detail, envelope.frames)
    t_ns = chunk.stamp_ns + offset_ns
    cuts: list[Output] = []
    if not late:
        state, cuts = _cut(processor, state, record, envelope, t_ns, chunk.position)
    checks, motion = state.checks, state.motion
    channels = chunk.position.shape[1]
    if late or checks is None or len(checks.seen_ns) != channels:
        checks = fresh_checks_of(processor.checks)
    if late or motion is None:
        motion = fresh_motion()
    period_ns = processor.checks.period_ns
    motion, moved = move(processor.body, processor.geometry, period_ns, motion, chunk, t_ns)
    checks, flags, findings = check_chunk(
        processor.checks,
        checks,
        chunk,
        moved.near_pole,
        envelope.first_frame,
        0 if late else envelope.published_ns,
        moved.hand_pose,
        moved.foot_pose,
        state.episode.mark.task if state.episode and not late else None,
    )
    if not late:
        state = state._replace(checks=checks, motion=motion)
    canonical = _canonical(processor, state, record, envelope, chunk, t_ns, moved, flags)
    key = envelope.robot.encode()
    outputs = [*cuts, Output(CANONICAL_FRAMES, record.partition, key, encode_chunk(canonical))]
    errors, report = count_errors(flags, findings), None
    if late:
        report = report_of(canonical, findings, None) if findings else None
    else:
        state = _with_limits(processor, state)
        state, findings, report = tell(processor.checks, state, canonical, findings, errors)
    if report is not None:
        outputs.append(Output(QUALITY_REPORTS, record.partition, key, encode_report(report)))
    return count_frames(state, canonical, findings, errors), outputs


def _with_limits(processor: Processor, state: RobotState) -> RobotState:
    """The robot, its open episode with the thresholds it is judged by."""
    episode = state.episode
    if episode is None or episode.limits:
        return state
    limits = dict(episode_limits(processor.checks, episode.mark.task))
    return state._replace(episode=episode._replace(limits=limits))


def _cut(
    processor: Processor,
    state: RobotState,
    record: RawRecord,
    envelope: Envelope,
    t_ns: npt.NDArray[np.int64],
    position: F64,
) -> tuple[RobotState, list[Output]]:
    """Episodes that begin or end before this chunk, by marks that waited for it or by a gap."""
    embodiment, rule = processor.vendor.embodiment, processor.vendor.profile.episodes
    behind = state.next_sequence
    # What ends here ended with the record before this chunk.
    state = state._replace(next_sequence=envelope.sequence)
    state, cuts = apply_due(state, envelope, int(t_ns[0]), int(t_ns[-1]), embodiment, record)
    if rule is not None:
        state, by_gap = cut_at_gaps(state, rule, envelope, t_ns, position, embodiment, record)
        cuts += by_gap
    return state._replace(next_sequence=behind), cuts


def _in_time(stamp_ns: npt.NDArray[np.int64], offset_ns: int) -> bool:
    """Whether the clock's offset, and the times it gives, are times."""
    lowest, highest = int(stamp_ns.min()) + offset_ns, int(stamp_ns.max()) + offset_ns
    return abs(offset_ns) < MAX_NS and lowest > -MAX_NS and highest < MAX_NS


def _canonical(
    processor: Processor,
    state: RobotState,
    record: RawRecord,
    envelope: Envelope,
    chunk: RawChunk,
    t_ns: npt.NDArray[np.int64],
    moved: Motion,
    flags: U64,
) -> CanonicalChunk:
    episode = state.episode
    inside = episode is not None and envelope.sequence >= episode.start_sequence
    embodiment = processor.vendor.embodiment
    return CanonicalChunk(
        robot=envelope.robot,
        session=envelope.session,
        sequence=envelope.sequence,
        first_frame=envelope.first_frame,
        frames=envelope.frames,
        channels=chunk.position.shape[1],
        episode=episode.episode if episode is not None and inside else None,
        profile=processor.vendor.profile.id,
        embodiment=embodiment.id,
        embodiment_hash=embodiment.hash,
        processing_id=processor.processing_id,
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=record.offset,
        published_ns=envelope.published_ns,
        log_ms=record.timestamp,
        t_source=chunk.stamps,
        t_ns=t_ns,
        position=chunk.position.astype(np.float32),
        velocity=_f32(chunk.velocity),
        effort=_f32(chunk.effort),
        action=_f32(chunk.action),
        angle=moved.angle,
        angle_velocity=moved.angle_velocity,
        angle_status=moved.angle_status,
        segment_status=moved.segment_status,
        hand_pose=moved.hand_pose,
        foot_pose=moved.foot_pose,
        base_position=moved.base.get("base_position"),
        base_quaternion=moved.base.get("base_quaternion"),
        base_angular_velocity=moved.base.get("base_angular_velocity"),
        base_acceleration=moved.base.get("base_acceleration"),
        flags=flags,
    )


def _f32(values: F64 | None) -> F32 | None:
    return None if values is None else values.astype(np.float32)
