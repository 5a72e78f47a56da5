"""The whole path of a fold: `(state, records) → (state, outputs)`, without any I/O.

A fold is a run of records of one raw partition. Each is a tick, a mark or a chunk; each gives
canonical records, findings, events or a dead letter, and nothing is ever dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from schemas.canonical import Cause
from schemas.envelope import Envelope, Kind, is_tick, parse_envelope
from schemas.events import LetterOutcome
from schemas.marks import parse_mark
from schemas.rejected import Reason, Rejected
from schemas.topics import vendor_of
from streams.checkpoint import Checkpoint, Folded, PartitionState, is_due, snapshots
from streams.chunk import Processor, process_chunk
from streams.letters import dead_letter, settled
from streams.order import Place, place, still_missing
from streams.records import Output, RawRecord
from streams.state import PartitionClock, RobotState, advance
from streams.track import apply_mark, close_session, new_robot, open_session

SILENCE_MS = 30_000

_SETTLES = {
    Kind.CHUNK.value: LetterOutcome.CANONICAL,
    Kind.MARK.value: LetterOutcome.MARK,
    "duplicate": LetterOutcome.DUPLICATE,
}

Processors = Mapping[str, Processor]


def process_fold(
    state: PartitionState, records: Iterable[RawRecord], processors: Processors
) -> tuple[PartitionState, Folded]:
    """Process a run of records of one partition, in the order of their offsets.

    Records that a robot's restored state already covers give nothing: their outputs were
    acknowledged before that state was written.
    """
    clock = state.clock
    robots = dict(state.robots)
    touched = set(state.touched)
    outputs: list[Output] = []
    counts: dict[str, int] = {}
    marked = False
    number = 0
    last: RawRecord | None = None
    for record in records:
        last = record
        number += 1
        clock = advance(clock, record.offset, record.timestamp)
        if is_tick(record.headers):
            outcome = Kind.TICK.value
            for closed, made in _silent(robots, clock, record):
                robots[closed.robot] = closed
                touched.add(closed.robot)
                outputs += made
        else:
            envelope = parse_envelope(record.headers)
            before = robots.get(envelope.robot) if isinstance(envelope, Envelope) else None
            after, made, outcome = _record(before, record, envelope, clock, processors)
            outputs += made
            if outcome in _SETTLES:
                outputs += settled(record, _SETTLES[outcome])
            if after is not None and after is not before:
                robots[after.robot] = after
                touched.add(after.robot)
            marked = marked or outcome == Kind.MARK
        counts[outcome] = counts.get(outcome, 0) + 1
    if last is None:
        return state, Folded([], None, {})
    state = PartitionState(
        clock, robots, frozenset(touched), state.checkpoint_ms, state.since_checkpoint + number
    )
    if not (marked or is_due(state)):
        return state, Folded(outputs, None, counts)
    checkpoint = Checkpoint(last.offset + 1, snapshots(state))
    state = replace(state, touched=frozenset(), checkpoint_ms=clock.clock_ms, since_checkpoint=0)
    return state, Folded(outputs, checkpoint, counts)


def _record(
    state: RobotState | None,
    record: RawRecord,
    envelope: Envelope | Rejected,
    clock: PartitionClock,
    processors: Processors,
) -> tuple[RobotState | None, list[Output], str]:
    """One chunk or mark: the robot after it, the outputs, and what became of the record."""
    if isinstance(envelope, Rejected):
        return state, [dead_letter(record, envelope)], "dead_letter"
    if state is not None and record.offset <= state.offset:
        return state, [], "covered"
    processor = _processor(record, envelope, processors)
    if isinstance(processor, Rejected):
        return state, [dead_letter(record, processor)], "dead_letter"
    if state is not None and envelope.session < state.session:
        outputs, outcome = _straggler(record, envelope, clock, processor)
        return state._replace(offset=record.offset), outputs, outcome
    state, opened = _in_session(state, record, envelope, clock, processor)
    where, next_sequence, missing = place(state.next_sequence, state.missing, envelope.sequence)
    if where is Place.DUPLICATE:
        return state, opened, "duplicate"
    before = state
    state = state._replace(next_sequence=next_sequence, missing=missing)
    if envelope.kind is Kind.MARK:
        result = _mark(state, record, envelope, processor)
    else:
        result = process_chunk(processor, state, record, envelope, late=where is Place.LATE)
    if isinstance(result, Rejected):
        state = before._replace(
            next_sequence=next_sequence, missing=still_missing(missing, envelope.sequence)
        )
        return state, [*opened, dead_letter(record, result)], "dead_letter"
    state, outputs = result
    return state, opened + outputs, envelope.kind.value


def _mark(
    state: RobotState, record: RawRecord, envelope: Envelope, processor: Processor
) -> tuple[RobotState, list[Output]] | Rejected:
    mark = parse_mark(record.value)
    if isinstance(mark, Rejected):
        return mark
    return apply_mark(state, mark, envelope.sequence, processor.vendor.embodiment, record)


def _straggler(
    record: RawRecord, envelope: Envelope, clock: PartitionClock, processor: Processor
) -> tuple[list[Output], str]:
    """A record of a session that a newer one has ended: its frames are kept, by themselves."""
    alone = new_robot(envelope, record, clock.clock_ms, processor.processing_id)
    if envelope.kind is Kind.MARK:
        late = Rejected(Reason.BAD_MARK, "its session was ended by a newer one")
        return [dead_letter(record, late)], "dead_letter"
    result = process_chunk(processor, alone, record, envelope, late=True)
    if isinstance(result, Rejected):
        return [dead_letter(record, result)], "dead_letter"
    return result[1], envelope.kind.value


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
    """The robot in this record's session: the one before it ended, this one begun."""
    outputs: list[Output] = []
    if state is not None and state.session != envelope.session:
        if state.session_open:
            state, outputs = close_session(state, Cause.NEW_SESSION, record)
        state = None
    if state is None:
        state = new_robot(envelope, record, clock.clock_ms, processor.processing_id)
    if not state.session_open:
        cause = Cause.MARK if envelope.kind is Kind.MARK else Cause.GAP
        state, opened = open_session(state, cause, record)
        outputs = outputs + opened
    state = state._replace(
        offset=record.offset,
        heard_ms=clock.clock_ms,
        profile=envelope.profile,
        processing_id=processor.processing_id,
    )
    return state, outputs


def _silent(
    robots: Mapping[str, RobotState], clock: PartitionClock, tick: RawRecord
) -> list[tuple[RobotState, list[Output]]]:
    """Robots that have said nothing for 30 s of log time, each with its session closed."""
    closed = []
    for state in robots.values():
        quiet = state.session_open and clock.clock_ms - state.heard_ms >= SILENCE_MS
        if quiet and tick.offset > state.offset:
            robot, outputs = close_session(state, Cause.SILENCE, tick)
            closed.append((robot._replace(offset=tick.offset), outputs))
    return closed
