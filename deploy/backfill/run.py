"""Runs a backfill: finds sessions, makes them anew, compares or publishes each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Any, Protocol

from obstore.store import ObjectStore

from deploy.backfill.compare import Stored, stored_session
from deploy.backfill.select import Selection, SessionSpan, sessions_in
from deploy.backfill.source import RawSource
from deploy.backfill.steps import Made, in_log_order, in_sequence
from schemas.canonical import CanonicalChunk, decode_canonical
from schemas.topics import CANONICAL_FRAMES
from sinks.record import Place
from streams.chunk import Processor
from streams.records import Output, PlainRecord

READ_TOGETHER = 16
"""Sessions of a partition that one reading of its log serves."""

Say = Callable[[str, int, int], None]
"""Told what is worked on, sessions done, sessions in all."""


class Outcome(StrEnum):
    """What became of a session."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    DIFFERENT = "different"
    RUNNING = "running"
    WHOLE = "whole"
    UNKNOWN = "unknown"


@dataclass
class SessionDone:
    """One session.

    Attributes:
        robot, session: which.
        processing_id: that owns the frames that were made.
        outcome: `published` under a new id (or where some of it was missing); `unchanged`: the
            lake holds the same bytes already; `different`: it holds others under this very id;
            `running`: not taken, for it has not ended; `whole`: there is nothing to repair;
            `unknown`: nobody knows its profile.
        frames: made.
        refused: records that were refused, as they are in the dead letters.
        different: sequences that differ.
    """

    robot: str
    session: str
    processing_id: str
    outcome: Outcome
    frames: int = 0
    refused: int = 0
    different: tuple[int, ...] = ()

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


class Publisher(Protocol):
    """Where outputs go."""

    def send(self, output: Output) -> None:
        """One output, behind those before it."""

    def flush(self) -> None:
        """Return when all of it is safe."""


@dataclass(frozen=True)
class Backfill:
    """What to run sessions through.

    Attributes:
        source: the raw log.
        store: the lake, to compare with.
        processors: by the profile that the envelopes name: what to use for it.
        partitions: of a raw topic.
        repair: put late and redriven records into their places, where a session has any.
    """

    source: RawSource
    store: ObjectStore
    processors: Mapping[str, Processor]
    partitions: int
    repair: bool = False

    def find(self, places: Iterable[Place], selection: Selection) -> list[SessionSpan]:
        """The sessions that are selected."""
        return [
            span
            for place in places
            for span in sessions_in(place, self.source.heads(place, selection.from_ms))
            if selection.wants(span)
        ]

    def run(
        self, spans: Sequence[SessionSpan], publisher: Publisher | None, say: Say
    ) -> list[SessionDone]:
        """Make sessions anew; without a publisher nothing is written."""
        done: list[SessionDone] = []
        for group in self._groups(spans):
            say(f"{group[0].place} {group[0].robot}", len(done), len(spans))
            done += self._group(group, publisher)
        say("", len(spans), len(spans))
        return done

    def _groups(self, spans: Sequence[SessionSpan]) -> Iterator[list[SessionSpan]]:
        """Sessions that one reading of the log serves; a repair reads each by itself."""
        size = 1 if self.repair else READ_TOGETHER
        for _, own in groupby(sorted(spans, key=_order), key=lambda span: span.place):
            listed = list(own)
            yield from (listed[i : i + size] for i in range(0, len(listed), size))

    def _group(
        self, spans: Sequence[SessionSpan], publisher: Publisher | None
    ) -> list[SessionDone]:
        all_done = {span.stream: self._begun(span) for span in spans}
        due = [s for s in spans if all_done[s.stream].outcome is Outcome.PUBLISHED]
        stored = {span.stream: self._stored(span, all_done[span.stream]) for span in due}
        there = {stream: one for stream, one in stored.items() if one is not None}
        known = [span for span in due if span.stream in there]
        for made in self._made(known):
            _compare(all_done[made.stream], there[made.stream], made)
        for stream, one in there.items():
            _judge(all_done[stream], one)
        due = [s for s in due if all_done[s.stream].outcome is Outcome.PUBLISHED]
        for span in due:
            all_done[span.stream].frames = all_done[span.stream].refused = 0
        for made in self._made(due):
            _count(all_done[made.stream], made)
            if made.output is not None and publisher is not None:
                publisher.send(made.output)
        if publisher is not None:
            publisher.flush()
        return list(all_done.values())

    def _begun(self, span: SessionSpan) -> SessionDone:
        processor = self._processors_of(span).get(span.profile)
        outcome = Outcome.PUBLISHED
        if not span.ended:
            outcome = Outcome.RUNNING
        elif self.repair and not span.has_holes_filled:
            outcome = Outcome.WHOLE
        elif processor is None:
            outcome = Outcome.UNKNOWN
        return SessionDone(
            span.robot, span.session, processor.processing_id if processor else "", outcome
        )

    def _stored(self, span: SessionSpan, done: SessionDone) -> Stored | None:
        return stored_session(self.store, done.processing_id, span.robot, span.session)

    def _made(self, spans: Sequence[SessionSpan]) -> Iterator[Made]:
        if not spans:
            return iter(())
        records = self.source.records(spans[0].place, min(span.first_offset for span in spans))
        processors = self._processors_of(spans[0])
        if not self.repair:
            return in_log_order(records, spans, processors, self.partitions)
        late = self._late(spans[0])
        return in_sequence(records, spans[0], late, processors, self.partitions)

    def _processors_of(self, span: SessionSpan) -> dict[str, Processor]:
        if not self.repair:
            return dict(self.processors)
        read = f"{span.robot}/{span.session}@{span.place}:{span.last_offset}"
        return {
            name: replace(processor, vendor=replace(processor.vendor, repair=read))
            for name, processor in self.processors.items()
        }

    def _late(self, span: SessionSpan) -> dict[int, PlainRecord]:
        wanted = set(span.late)
        found: dict[int, PlainRecord] = {}
        for record in self.source.records(span.place, min(wanted)):
            if record.offset in wanted:
                found[record.offset] = record
            if len(found) == len(wanted):
                break
        return found


def _compare(done: SessionDone, stored: Stored, made: Made) -> None:
    _count(done, made)
    if made.output is not None and made.output.topic == CANONICAL_FRAMES:
        fact = decode_canonical(made.output.value)
        if isinstance(fact, CanonicalChunk):
            stored.meet(fact)


def _judge(done: SessionDone, stored: Stored) -> None:
    stored.rest()
    done.different = tuple(sorted(stored.different))
    if stored.different:
        done.outcome = Outcome.DIFFERENT
    elif not stored.missing:
        done.outcome = Outcome.UNCHANGED


def _count(done: SessionDone, made: Made) -> None:
    if made.output is None:
        done.refused += 1
    elif made.output.topic == CANONICAL_FRAMES:
        fact = decode_canonical(made.output.value)
        done.frames += fact.frames if isinstance(fact, CanonicalChunk) else 0


def _order(span: SessionSpan) -> tuple[Place, int]:
    return span.place, span.first_offset
