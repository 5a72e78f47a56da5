"""Which sessions a backfill takes: whole ones, found by the headers of the raw log alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from schemas.envelope import Envelope, Kind, is_tick, parse_envelope
from schemas.redrive import redrive_of
from sinks.archive.read import Head
from sinks.record import Place
from streams.order import Place as Standing
from streams.order import Ranges, place
from streams.process import SILENCE_MS

LOOK_BACK_MS = 24 * 3_600_000
"""Where times are named, the log is read from so much earlier on: a session may have begun then."""


@dataclass(frozen=True)
class Selection:
    """What to take; None takes all. Times are log time, Unix ms, [since, until)."""

    vendor: str | None = None
    robot: str | None = None
    episode: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def wants(self, span: SessionSpan) -> bool:
        """Whether it takes a session."""
        return (
            (self.vendor is None or span.robot.split("/", 1)[0] == self.vendor)
            and (self.robot is None or span.robot == self.robot)
            and (self.episode is None or self.episode.startswith(f"{span.session}-"))
            and (self.since_ms is None or span.last_ms >= self.since_ms)
            and (self.until_ms is None or span.first_ms < self.until_ms)
        )

    @property
    def from_ms(self) -> int:
        """From where on the log must be looked at."""
        return 0 if self.since_ms is None else self.since_ms - LOOK_BACK_MS


@dataclass(frozen=True)
class SessionSpan:
    """A session as it stands in the raw log.

    Attributes:
        place: its partition.
        robot, session, profile: as its envelopes say.
        first_offset, last_offset: of its records.
        first_ms, last_ms: log time of these.
        late: offsets of records that came behind one of a higher sequence number, or of the same.
        has_holes_filled: one of them was missing until then, or was refused and came again.
        ended: a newer session of the robot has begun, or it has been silent for long.
    """

    place: Place
    robot: str
    session: str
    profile: str
    first_offset: int
    last_offset: int
    first_ms: int
    last_ms: int
    late: tuple[int, ...] = ()
    has_holes_filled: bool = False
    ended: bool = False

    @property
    def stream(self) -> tuple[str, str]:
        """Whose it is."""
        return self.robot, self.session


@dataclass
class _Seen:
    span: SessionSpan
    next_sequence: int = 0
    missing: Ranges = ()


def sessions_in(where: Place, heads: Iterable[Head]) -> list[SessionSpan]:
    """Every session of a partition, in the order of their beginnings.

    A mark of a station alone makes no session: it has no frames and no profile.
    """
    seen: dict[tuple[str, str], _Seen] = {}
    end_ms = 0
    for head in heads:
        end_ms = max(end_ms, head.timestamp_ms)
        if is_tick(head.headers):
            continue
        envelope = parse_envelope(head.headers)
        if isinstance(envelope, Envelope) and (
            envelope.kind is not Kind.STATION_MARK or (envelope.robot, envelope.session) in seen
        ):
            _note(seen, where, head, envelope)
    newest: dict[str, str] = {}
    for robot, session in seen:
        newest[robot] = session
    return [_ended(one.span, newest, end_ms) for one in seen.values()]


def _note(seen: dict[tuple[str, str], _Seen], where: Place, head: Head, envelope: Envelope) -> None:
    key = (envelope.robot, envelope.session)
    if key not in seen:
        at, ms = head.offset, head.timestamp_ms
        span = SessionSpan(where, *key, envelope.profile, at, at, ms, ms)
        seen[key] = _Seen(span)
    one = seen[key]
    if envelope.kind is Kind.STATION_MARK:
        one.span = replace(one.span, last_offset=head.offset, last_ms=head.timestamp_ms)
        return
    behind = envelope.sequence < one.next_sequence
    redriven = redrive_of(head.headers, *where, head.offset) is not None
    standing, one.next_sequence, one.missing = place(
        one.next_sequence, one.missing, envelope.sequence
    )
    one.span = replace(
        one.span,
        last_offset=head.offset,
        last_ms=head.timestamp_ms,
        late=(*one.span.late, head.offset) if behind else one.span.late,
        has_holes_filled=one.span.has_holes_filled or redriven or standing is Standing.LATE,
    )


def _ended(span: SessionSpan, newest: Mapping[str, str], end_ms: int) -> SessionSpan:
    silent = end_ms - span.last_ms > 2 * SILENCE_MS
    return replace(span, ended=silent or newest[span.robot] != span.session)
