"""What the dashboard holds in memory: robots, refusals and delays, bounded whatever comes.

The reader's thread fills it, the server's loop looks at it; both take the lock for as long as one
batch or one look lasts. Chunks are kept encoded and only the newest of each robot is ever read, so
that a second of 200 robots costs a thousand reads at most and old ones are dropped unread.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

import structlog

from schemas.canonical import CanonicalChunk, chunk_schema, decode_canonical
from schemas.codec import HEAD_BYTES, frame_head
from schemas.envelope import is_robot
from schemas.events import (
    DeadLetter,
    EventKind,
    LetterOutcome,
    decode_dead_letter,
    decode_event,
    decode_report,
)
from schemas.topics import CANONICAL_FRAMES, EPISODES, QUALITY_REPORTS, vendor_of
from sinks.dashboard.delays import Delays
from sinks.dashboard.measure import ROBOTS, UNREADABLE
from sinks.dashboard.robot import Refusal, Robot, last_heard_ms, take_chunk, take_event, take_report
from sinks.dashboard.tile import Row, tile
from sinks.record import Record

MAX_ROBOTS = 2_000
"""More are not held: the one unheard for longest goes first, and the page says so."""

FORGET_AFTER_MS = 3_600_000
"""A robot that nothing was heard of for so long leaves the wall."""

MAX_LETTERS = 100
WATCHED_CHUNKS = 64

AT_REST = {
    EventKind.STORED: "end mark to ClickHouse",
    EventKind.SEALED: "end mark to object storage",
}

log = structlog.get_logger()


class Letter(NamedTuple):
    """A refused record, as the page lists it."""

    at_ms: int
    vendor: str
    robot: str
    reason: str
    detail: str
    origin: str
    frames: int
    outcome: str


@dataclass
class Board:
    """Everything that is held.

    Attributes:
        robots: by the log's key, the one heard last at the end.
        dropped: robots that had to go.
        letters: the newest refused records.
        refused: records refused since the dashboard began to look, by (vendor, reason).
        delays: how late each stage is.
        watched: chunks of the robots somebody looks at, not read yet.
    """

    robots: OrderedDict[bytes, Robot] = field(default_factory=OrderedDict)
    dropped: int = 0
    letters: deque[Letter] = field(default_factory=lambda: deque(maxlen=MAX_LETTERS))
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    delays: Delays = field(default_factory=Delays)
    watched: dict[bytes, deque[tuple[bytes, int]]] = field(default_factory=dict)
    reports: dict[bytes, deque[Any]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    _chunk_head: bytes = field(default_factory=lambda: frame_head(chunk_schema()))

    def take(self, records: Sequence[Record]) -> None:
        """Records in the order of their partitions."""
        with self.lock:
            for record in records:
                if record.value is None or record.key is None:
                    continue
                topic = record.place.topic
                try:
                    if topic == CANONICAL_FRAMES:
                        self._frames(record.key, record.value, record.timestamp_ms)
                    elif topic == EPISODES:
                        self._event(record)
                    elif topic == QUALITY_REPORTS:
                        self._report(record.key, record.value)
                    else:
                        self._letter(record)
                except ValueError as error:
                    UNREADABLE.inc()
                    log.warning("unreadable", at=str(record.place), error=str(error))

    def rows(self, now_ms: int, nominal_hz: Mapping[str, float]) -> dict[str, Row]:
        """Every robot's row, by name; reads the newest chunk of each that has a new one."""
        with self.lock:
            self._forget(now_ms)
            ROBOTS.set(len(self.robots))
            for robot in self.robots.values():
                self._read(robot)
            return {r.name: tile(r, now_ms, nominal_hz) for r in self.robots.values()}

    def watch(self, key: bytes) -> None:
        """Keep every chunk and report of this robot until it is taken, instead of the newest."""
        with self.lock:
            self.watched.setdefault(key, deque(maxlen=WATCHED_CHUNKS))
            self.reports.setdefault(key, deque(maxlen=WATCHED_CHUNKS))

    def unwatch(self, key: bytes) -> None:
        """Nobody looks at this robot any more."""
        with self.lock:
            self.watched.pop(key, None)
            self.reports.pop(key, None)

    def taken(self, key: bytes) -> tuple[list[CanonicalChunk], list[Any]]:
        """Chunks and reports of a watched robot since the last call, in their order."""
        with self.lock:
            values = self.watched.get(key, deque())
            told = self.reports.get(key, deque())
            pending, reports = list(values), list(told)
            values.clear()
            told.clear()
        facts = (_chunk(value) for value, _ in pending)
        return [fact for fact in facts if fact is not None], reports

    def stages(self, now_ms: int) -> list[dict[str, Any]]:
        """How late each stage was over the last minute."""
        with self.lock:
            return self.delays.document(now_ms)

    def recent_letters(self, most: int) -> list[dict[str, Any]]:
        """The newest refused records, the newest first."""
        with self.lock:
            newest = list(self.letters)[-most:]
        return [letter._asdict() for letter in reversed(newest)]

    def _robot(self, key: bytes) -> Robot:
        robot = self.robots.get(key)
        if robot is None:
            robot = self.robots[key] = Robot(key.decode("utf-8", "replace"))
        self.robots.move_to_end(key)
        if len(self.robots) > MAX_ROBOTS:
            self.robots.popitem(last=False)
            self.dropped += 1
        return robot

    def _forget(self, now_ms: int) -> None:
        for key, robot in list(self.robots.items()):
            if last_heard_ms(robot) < now_ms - FORGET_AFTER_MS:
                del self.robots[key]

    def _frames(self, key: bytes, value: bytes, appended_ms: int) -> None:
        if value[:HEAD_BYTES] != self._chunk_head:
            return
        robot = self._robot(key)
        robot.value, robot.appended_ms = value, appended_ms
        if key in self.watched:
            self.watched[key].append((value, appended_ms))

    def _read(self, robot: Robot) -> None:
        if robot.value is None:
            return
        value, robot.value = robot.value, None
        chunk = _chunk(value)
        if chunk is not None:
            take_chunk(robot, chunk, robot.appended_ms)
            at_ms, published_ms = chunk.log_ms, chunk.published_ns / 1e6
            self.delays.add("publish to raw log", at_ms, at_ms - published_ms)
            self.delays.add("raw log to canonical", at_ms, robot.appended_ms - at_ms)

    def _event(self, record: Record) -> None:
        event = decode_event(record.value or b"")
        robot = self._robot(event.robot.encode())
        closed = robot.events.get(EventKind.CLOSED)
        take_event(robot, event)
        late_ms = float(record.timestamp_ms - event.log_ms)
        if event.kind is EventKind.VERDICT:
            self.delays.add("end mark to verdict", event.log_ms, late_ms)
        elif event.kind in AT_REST and closed is not None and closed.episode == event.episode:
            self.delays.add(AT_REST[event.kind], event.log_ms, record.timestamp_ms - closed.log_ms)

    def _report(self, key: bytes, value: bytes) -> None:
        report = decode_report(value)
        take_report(self._robot(key), report)
        if key in self.reports:
            self.reports[key].append(report)

    def _letter(self, record: Record) -> None:
        letter = decode_dead_letter(record.value or b"")
        vendor = vendor_of(record.place.topic)
        name = _named(letter)
        origin = letter.origin.decode()
        self.letters.append(
            Letter(
                record.timestamp_ms, vendor, name, letter.reason, letter.detail[:300], origin,
                letter.frames, letter.outcome.value,
            )
        )  # fmt: skip
        if letter.outcome is LetterOutcome.REFUSED:
            self.refused[vendor, letter.reason] += 1
            if name:
                self._robot(name.encode()).refusal = Refusal(
                    record.timestamp_ms, letter.reason, letter.detail
                )


def _chunk(value: bytes) -> CanonicalChunk | None:
    """The chunk in a value; what cannot be read is counted and left out, the page goes on."""
    try:
        fact = decode_canonical(value)
    except ValueError as error:
        UNREADABLE.inc()
        log.warning("unreadable", topic=CANONICAL_FRAMES, error=str(error))
        return None
    return fact if isinstance(fact, CanonicalChunk) else None


def _named(letter: DeadLetter) -> str:
    """The robot a refused record names, where that is a robot's name; else empty."""
    for name, value in letter.headers:
        if name == "robot" and value is not None:
            text = value.decode("utf-8", "replace")
            return text if is_robot(text) else ""
    return ""
