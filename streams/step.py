"""One chunk or mark of a robot: `(state, record) → (state, outputs, what became of it)`."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.canonical import Cause
from schemas.envelope import Envelope, Kind
from schemas.marks import MarkKind, parse_mark
from schemas.rejected import Reason, Rejected
from schemas.topics import vendor_of
from streams.chunk import Processor, process_chunk
from streams.history import NO_HISTORY
from streams.late import note_late
from streams.letters import dead_letter
from streams.order import Place, place, still_missing
from streams.outside import take_mark
from streams.records import Output, RawRecord
from streams.sessions import (
    close_session,
    is_forgotten,
    keep_past,
    leave,
    new_robot,
    open_session,
    past_session,
    renew,
)
from streams.state import LateFrames, PartitionClock, PastSession, RobotState
from streams.track import apply_mark

Processors = Mapping[str, Processor]


def take_record(
    state: RobotState | None,
    record: RawRecord,
    envelope: Envelope,
    clock: PartitionClock,
    processors: Processors,
    stranger: Rejected | None,
) -> tuple[RobotState | None, list[Output], str]:
    """One chunk or mark: the robot after it, the outputs, and what became of the record.

    Args:
        state: the robot, None where nothing is known of it.
        record: the record.
        envelope: its envelope.
        clock: the partition's, at the record.
        processors: by profile.
        stranger: why the robot's session cannot begin here, if it cannot.
    """
    if envelope.kind is Kind.STATION_MARK:
        return _station_mark(state, record, envelope)
    processor = _processor(record, envelope, processors)
    if isinstance(processor, Rejected):
        return state, [dead_letter(record, processor)], "dead_letter"
    if stranger is not None:
        return state, [dead_letter(record, stranger)], "dead_letter"
    if state is not None and state.session != envelope.session:
        over = past_session(state, envelope.session)
        if over is not None:
            return _straggler(state, over, record, envelope, clock, processor)
        if is_forgotten(state, envelope.session):
            return state, [dead_letter(record, _forgotten(envelope))], "dead_letter"
    state, opened = _in_session(state, record, envelope, clock, processor)
    where, next_sequence, missing = place(state.next_sequence, state.missing, envelope.sequence)
    if where is Place.DUPLICATE:
        return state, opened, "duplicate"
    late = where is Place.LATE
    state, begun = _in_processing(state, record, envelope, processor, late)
    opened += begun
    before = state
    state = state._replace(next_sequence=next_sequence, missing=missing)
    if envelope.kind is Kind.MARK:
        result = _mark(state, record, envelope, processor, late)
    else:
        result = process_chunk(processor, state, record, envelope, late=late)
    if isinstance(result, Rejected):
        state = before._replace(
            next_sequence=next_sequence, missing=still_missing(missing, envelope.sequence)
        )
        return state, [*opened, dead_letter(record, result)], "dead_letter"
    state, outputs = result
    if late and envelope.kind is Kind.CHUNK and not state.session_open:
        processing_id, clock_ms = processor.processing_id, clock.clock_ms
        state, ended = note_late(state, envelope, processing_id, clock_ms, record)
        outputs = outputs + ended
    return state, opened + outputs, envelope.kind.value


def _mark(
    state: RobotState, record: RawRecord, envelope: Envelope, processor: Processor, late: bool
) -> tuple[RobotState, list[Output]] | Rejected:
    mark = parse_mark(record.value)
    if isinstance(mark, Rejected):
        return mark
    if mark.at_frame is not None or mark.at_ns is not None:
        return Rejected(Reason.BAD_MARK, "a mark in sequence has its place: no at_frame, no at_ns")
    match mark.mark:
        case MarkKind.SESSION_START:
            return state, []
        case MarkKind.SESSION_END if late:
            return Rejected(Reason.BAD_MARK, "a session's end came before records of the session")
        case MarkKind.SESSION_END:
            return close_session(state, Cause.SESSION_END, record)
    embodiment = processor.vendor.embodiment
    sequence, first_frame = envelope.sequence, envelope.first_frame
    return apply_mark(state, mark, sequence, first_frame, embodiment, record, late=late)


def _station_mark(
    state: RobotState | None, record: RawRecord, envelope: Envelope
) -> tuple[RobotState | None, list[Output], str]:
    mark = parse_mark(record.value)
    if not isinstance(mark, Rejected):
        taken = take_mark(state, mark, envelope.session, record)
        if not isinstance(taken, Rejected):
            after, outputs = taken
            return after._replace(offset=record.offset), outputs, Kind.MARK.value
        mark = taken
    return state, [dead_letter(record, mark)], "dead_letter"


def _straggler(
    state: RobotState,
    over: PastSession,
    record: RawRecord,
    envelope: Envelope,
    clock: PartitionClock,
    processor: Processor,
) -> tuple[RobotState, list[Output], str]:
    """A record of a session that another one has ended: its frames are kept, by themselves."""
    state = state._replace(offset=record.offset)
    where, next_sequence, missing = place(over.next_sequence, over.missing, envelope.sequence)
    if where is Place.DUPLICATE:
        return state, [], "duplicate"
    result: tuple[RobotState, list[Output]] | Rejected
    if envelope.kind is Kind.MARK:
        result = Rejected(Reason.BAD_MARK, "its session was ended by another one")
    else:
        alone = new_robot(envelope, record, state.heard_ms, processor.processing_id)
        alone = alone._replace(clock_offset_ns=over.clock_offset_ns)
        result = process_chunk(processor, alone, record, envelope, late=True)
    if isinstance(result, Rejected):
        missing = still_missing(missing, envelope.sequence)
        outputs, outcome = [dead_letter(record, result)], "dead_letter"
    else:
        processing_id, clock_ms = processor.processing_id, clock.clock_ms
        state, ended = note_late(state, envelope, processing_id, clock_ms, record)
        outputs, outcome = [*result[1], *ended], envelope.kind.value
    over = over._replace(next_sequence=next_sequence, missing=missing)
    return keep_past(state, over), outputs, outcome


def _forgotten(envelope: Envelope) -> Rejected:
    detail = (
        f"session {envelope.session} is older than all that are remembered of {envelope.robot}: "
        "whether its frames came before cannot be told; if it is new, set the robot's clock"
    )
    return Rejected(Reason.BAD_ENVELOPE, detail, envelope.frames)


def _processor(
    record: RawRecord, envelope: Envelope, processors: Processors
) -> Processor | Rejected:
    vendor = vendor_of(record.topic)
    if envelope.vendor != vendor:
        detail = f"robot {envelope.robot} does not belong on {record.topic}"
        return Rejected(Reason.UNKNOWN_VENDOR, detail, envelope.frames)
    processor = processors.get(envelope.profile)
    if processor is None or processor.vendor.profile.vendor != vendor:
        detail = f"no profile {envelope.profile} of {vendor}; add it with `kinebus vendor add`"
        return Rejected(Reason.UNKNOWN_PROFILE, detail, envelope.frames)
    return processor


def _in_session(
    state: RobotState | None,
    record: RawRecord,
    envelope: Envelope,
    clock: PartitionClock,
    processor: Processor,
) -> tuple[RobotState, list[Output]]:
    """The robot in this record's session; the one before it has ended."""
    outputs: list[Output] = []
    past: tuple[PastSession, ...] = ()
    late: tuple[LateFrames, ...] = ()
    born: int | None = None
    history, score = NO_HISTORY, 1.0
    if state is not None and state.session != envelope.session:
        past, history, outputs = leave(state, record)
        late, born, score = state.late, state.born, state.score
        state = None
    if state is None:
        processing_id = processor.processing_id
        state = new_robot(
            envelope, record, clock.clock_ms, processing_id, past, late, born, history, score
        )
        state = state._replace(profile=processor.vendor.profile.id)
    return state._replace(offset=record.offset, heard_ms=clock.clock_ms), outputs


def _in_processing(
    state: RobotState,
    record: RawRecord,
    envelope: Envelope,
    processor: Processor,
    late: bool,
) -> tuple[RobotState, list[Output]]:
    """The robot under this record's processing, its session open for whatever is not late."""
    outputs: list[Output] = []
    if state.processing_id != processor.processing_id:
        profile = processor.vendor.profile.id
        state, outputs = renew(state, profile, processor.processing_id, record)
    if state.session_open or late:
        return state, outputs
    cause = Cause.MARK if envelope.kind is Kind.MARK else Cause.GAP
    state, opened = open_session(state, cause, record)
    return state, outputs + opened
