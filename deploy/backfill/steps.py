"""The pure steps over sessions of one partition: as the log came, or with late chunks in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from deploy.backfill.select import SessionSpan
from schemas.canonical import decode_canonical
from schemas.codec import schema_of
from schemas.envelope import Envelope, Kind, is_tick, parse_envelope
from schemas.events import decode_event
from schemas.registry import packaged
from schemas.topics import CANONICAL_FRAMES, DEAD_LETTER_PREFIX, EPISODES
from streams.checkpoint import Folded, PartitionState, empty_partition
from streams.process import process_fold
from streams.records import Output, PlainRecord
from streams.state import advance
from streams.step import Processors

REFUSED = "dead_letter"
"""How `process_fold` counts what it refuses."""

Stream = tuple[str, str]
"""Robot and session: a session's name alone could be another robot's, too."""


class Made(NamedTuple):
    """One output and whose it is; a refused record gives none but is counted."""

    stream: Stream
    output: Output | None


def in_log_order(
    records: Iterable[PlainRecord],
    spans: Collection[SessionSpan],
    processors: Processors,
    partitions: int,
) -> Iterator[Made]:
    """What the stream workers would make of these sessions, all of one partition.

    Other robots' records move the partition's clock and nothing else.
    """
    place = next(iter(spans)).place
    wanted = {span.stream for span in spans}
    robots = {span.robot for span in spans}
    last_offset = max(span.last_offset for span in spans)
    state = empty_partition(*place, partitions)
    for record in records:
        if record.offset > last_offset and not _is_open(state, wanted):
            return
        envelope = None if is_tick(record.headers) else parse_envelope(record.headers)
        if envelope is None or (isinstance(envelope, Envelope) and envelope.robot in robots):
            state, made = process_fold(state, [record], processors)
            yield from _of(made, wanted, envelope)
        else:
            clock = advance(state.clock, record.offset, record.timestamp)
            state = replace(state, clock=clock)


def in_sequence(
    records: Iterable[PlainRecord],
    span: SessionSpan,
    late: Mapping[int, PlainRecord],
    processors: Processors,
    partitions: int,
) -> Iterator[Made]:
    """A session as if each of its records had come in time.

    Where several records have the same number, the last one that is not refused counts. Silence in
    its midst is not looked at: what came behind it shows that the session went on.

    Args:
        records: of its partition, from its first record on.
        span: the session.
        late: those of its records that came behind a higher number, by offset.
        processors: by the profile that the envelopes name.
        partitions: of a raw topic.
    """
    wanted = {span.stream}
    waiting: defaultdict[int, list[PlainRecord]] = defaultdict(list)
    for _, record in sorted(late.items(), reverse=True):
        told = parse_envelope(record.headers)
        if isinstance(told, Envelope):
            waiting[told.sequence].append(record)
    state = empty_partition(*span.place, partitions)
    for record in records:
        envelope = None if is_tick(record.headers) else parse_envelope(record.headers)
        own = isinstance(envelope, Envelope) and envelope.robot == span.robot
        if own and isinstance(envelope, Envelope) and envelope.session == span.session:
            if envelope.kind is Kind.STATION_MARK:
                state, made = _best(state, [record], processors)
                yield from _of(made, wanted, envelope)
            elif record.offset not in late:
                for sequence in sorted(n for n in waiting if n < envelope.sequence):
                    state, made = _best(state, waiting.pop(sequence), processors)
                    yield from _of(made, wanted, envelope)
                again = waiting.pop(envelope.sequence, [])
                state, made = _best(state, [*again, record], processors)
                yield from _of(made, wanted, envelope)
        elif record.offset > span.last_offset and (own or envelope is None):
            for sequence in sorted(waiting):
                state, made = _best(state, waiting.pop(sequence), processors)
                yield from _of(made, wanted, None)
            if not _is_open(state, wanted):
                return
            state, made = process_fold(state, [record], processors)
            yield from _of(made, wanted, envelope)


def _best(
    state: PartitionState, candidates: list[PlainRecord], processors: Processors
) -> tuple[PartitionState, Folded]:
    """The first of these records that is not refused; where all are, the last of them."""
    # A robot's offset says what a snapshot covers; here it would take an earlier record for read.
    robots = {name: robot._replace(offset=-1) for name, robot in state.robots.items()}
    state = replace(state, robots=robots)
    for record in candidates:
        after, folded = process_fold(state, [record], processors)
        if not folded.counts.get(REFUSED):
            break
    return after, folded


def _is_open(state: PartitionState, wanted: Collection[Stream]) -> bool:
    """Whether something of these is open: a session, or late frames of one."""
    return any(
        (r.session_open and (r.robot, r.session) in wanted)
        or any((r.robot, late.session) in wanted for late in r.late)
        for r in state.robots.values()
    )


def _of(made: Folded, wanted: Collection[Stream], envelope: object) -> Iterator[Made]:
    """The outputs of sessions that are wanted: a record may end one and begin another.

    Letters are left out: what became of a record when it came is told already.
    """
    own = (envelope.robot, envelope.session) if isinstance(envelope, Envelope) else ("", "")
    if made.counts.get(REFUSED) and own in wanted:
        yield Made(own, None)
    for output in made.outputs:
        stream = own
        if output.topic.startswith(DEAD_LETTER_PREFIX):
            continue
        if output.topic == EPISODES:
            event = decode_event(output.value)
            stream = (event.robot, event.session)
        elif output.topic == CANONICAL_FRAMES and _is_boundary(output.value):
            fact = decode_canonical(output.value)
            stream = (fact.robot, fact.session)
        if stream in wanted:
            yield Made(stream, output)


def _is_boundary(value: bytes) -> bool:
    return schema_of(value, packaged()).name == "boundary"
