"""The whole path of a fold: `(state, records) → (state, outputs)`, without any I/O.

A fold is a run of records of one raw partition. Each is a tick, a mark or a chunk; each gives
canonical records, findings, events or a dead letter, and nothing is ever dropped.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

from schemas.canonical import Cause
from schemas.envelope import Kind, is_tick, parse_envelope
from schemas.events import LetterOutcome
from schemas.rejected import Reason, Rejected
from streams.checkpoint import Checkpoint, Folded, PartitionState, checkpointed, is_due
from streams.late import end_late
from streams.letters import dead_letter, settled
from streams.records import Output, RawRecord
from streams.robots import is_past, recall, stranger
from streams.sessions import close_session
from streams.state import PartitionClock, RobotState, advance
from streams.step import Processors, take_record
from streams.suspects import MAX_ENDS

SILENCE_MS = 30_000

_SETTLES = {
    Kind.CHUNK.value: LetterOutcome.CANONICAL,
    Kind.MARK.value: LetterOutcome.MARK,
    "duplicate": LetterOutcome.DUPLICATE,
}

_CRASHED = Rejected(Reason.CRASHED, f"it was in work {MAX_ENDS} times when the process ended")


def process_fold(
    state: PartitionState,
    records: Iterable[RawRecord],
    processors: Processors,
    *,
    crashed: Container[int] = frozenset(),
    checkpoint: bool = False,
) -> tuple[PartitionState, Folded]:
    """Process a run of records of one partition, in the order of their offsets.

    Records that a robot's restored state already covers give nothing: their outputs were
    acknowledged before that state was written.

    Args:
        state: of the partition before them.
        records: the run.
        processors: by profile.
        crashed: offsets of records that have ended the process before: they are refused unread.
        checkpoint: make one behind the run, whether it is due or not.
    """
    clock = state.clock
    robots = dict(state.robots)
    touched, forgotten = set(state.touched), set(state.forgotten)
    outputs: list[Output] = []
    counts: dict[str, int] = {}
    frames = 0
    marked = False
    number = 0
    last: RawRecord | None = None
    for record in records:
        last = record
        number += 1
        is_new = record.offset > clock.offset
        clock = advance(clock, record.offset, record.timestamp)
        if record.offset in crashed:
            outcome = "dead_letter"
            outputs.append(dead_letter(record, _CRASHED))
        elif is_tick(record.headers):
            outcome = Kind.TICK.value
            # A tick that the restored clock covers has closed whom it closes.
            for closed, made in _silent(robots, clock, record) if is_new else ():
                robots[closed.robot] = closed
                touched.add(closed.robot)
                outputs += made
            for name in [name for name, robot in robots.items() if is_past(robot, clock)]:
                del robots[name]
                touched.discard(name)
                forgotten.add(name)
        else:
            after, made, outcome, held = _of_robot(
                robots, state.partitions, record, clock, processors
            )
            frames += held
            outputs += made
            if outcome in _SETTLES:
                outputs += settled(record, _SETTLES[outcome])
            if after is not None and after is not robots.get(after.robot):
                robots[after.robot] = after
                touched.add(after.robot)
            marked = marked or outcome == Kind.MARK
        counts[outcome] = counts.get(outcome, 0) + 1
    if last is None:
        return state, Folded([], None, {})
    state = replace(
        state,
        clock=clock,
        robots=robots,
        touched=frozenset(touched),
        forgotten=frozenset(forgotten),
        since_checkpoint=state.since_checkpoint + number,
    )
    if not (checkpoint or marked or is_due(state)):
        return state, Folded(outputs, None, counts, frames)
    state, snapshots = checkpointed(state)
    return state, Folded(outputs, Checkpoint(last.offset + 1, snapshots), counts, frames)


def _of_robot(
    robots: Mapping[str, RobotState],
    partitions: int,
    record: RawRecord,
    clock: PartitionClock,
    processors: Processors,
) -> tuple[RobotState | None, list[Output], str, int]:
    """A record that is no tick: its robot after it, the outputs, what became of it, frames made."""
    envelope = parse_envelope(record.headers)
    if isinstance(envelope, Rejected):
        return None, [dead_letter(record, envelope)], "dead_letter", 0
    state = recall(robots, envelope.robot, clock)
    if state is not None and record.offset <= state.offset:
        return state, [], "covered", 0
    refused = stranger(state, robots, partitions, clock, record, envelope)
    after, outputs, outcome = take_record(state, record, envelope, clock, processors, refused)
    return after, outputs, outcome, envelope.frames if outcome == Kind.CHUNK else 0


def _silent(
    robots: Mapping[str, RobotState], clock: PartitionClock, tick: RawRecord
) -> list[tuple[RobotState, list[Output]]]:
    """Robots of which nothing was heard for 30 s of log time: their sessions, and late frames, end.

    Only those of which something ends.
    """
    closed = []
    until_ms = clock.clock_ms - SILENCE_MS
    # By name: after a restart they stand in another order, and the outputs must not.
    for _, state in sorted(robots.items()):
        if tick.offset <= state.offset:
            continue
        outputs: list[Output] = []
        robot = state
        if state.session_open and state.heard_ms <= until_ms:
            robot, outputs = close_session(state, Cause.SILENCE, tick)
        robot, ended = end_late(robot, until_ms, tick)
        if outputs or ended:
            closed.append((robot._replace(offset=tick.offset), outputs + ended))
    return closed
