"""Robot to raw: which sequence numbers of each session have come, carried from audit to audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from ulid import ULID

from deploy.audit.raw import RawLog
from deploy.audit.report import Problem, SessionAudit, problem

Stream = tuple[str, str]
Ranges = list[tuple[int, int]]
"""Sequence numbers that have come, as disjoint rising [start, stop)."""

FORGET_MS = 7 * 24 * 3_600_000
"""A session that is complete and has been silent for so long is only counted."""


@dataclass
class Session:
    """What is known of one session.

    Attributes:
        ranges: sequence numbers that have come.
        first: the lowest that must have come: 0, or where the first audit began to look.
        last: the last sequence its end mark names; None before it.
    """

    ranges: Ranges
    first: int
    last: int | None = None

    @property
    def missing(self) -> int:
        """Numbers that never came, up to the highest known."""
        behind = max(self.ranges[-1][1], (self.last or 0) + 1)
        return behind - self.first - sum(stop - start for start, stop in self.ranges)


@dataclass
class SessionLedger:
    """Every session that is not forgotten, and how many complete ones are."""

    sessions: dict[Stream, Session] = field(default_factory=dict)
    forgotten: int = 0

    def add(self, raw: RawLog, begins_ms: int) -> None:
        """Take in what a stretch of the raw log holds; what was taken in before changes nothing.

        Args:
            raw: the stretch.
            begins_ms: log time from which on the log was ever looked at; a session that is older
                need not be known from its first record.
        """
        known = raw.stream >= 0
        pairs = np.unique(np.stack([raw.stream[known], raw.sequence[known]]), axis=1)
        streams, begins = np.unique(pairs[0], return_index=True)
        for i, stream in enumerate(streams.tolist()):
            stop = begins[i + 1] if i + 1 < len(begins) else pairs.shape[1]
            name = raw.streams[stream]
            found = _ranges(pairs[1][begins[i] : stop])
            session = self.sessions.get(name)
            if session is None:
                first = 0 if _opened_ms(name) >= begins_ms else found[0][0]
                session = self.sessions[name] = Session([], first)
            session.ranges = _merged([*session.ranges, *found])
            session.first = min(session.first, session.ranges[0][0])
            last = raw.last_sequences.get(stream)
            session.last = session.last if last is None else last

    def forget(self, now_ms: int) -> None:
        """Only count complete sessions that are long over."""
        for name, one in list(self.sessions.items()):
            over = one.last is not None and not one.missing
            if over and now_ms - _opened_ms(name) > FORGET_MS:
                del self.sessions[name]
                self.forgotten += 1

    def audit(self) -> tuple[SessionAudit, list[Problem]]:
        """What is known of all sessions."""
        gaps = [f"{'/'.join(name)}: {s.missing}" for name, s in self.sessions.items() if s.missing]
        unknown = [one for one in self.sessions.values() if one.last is None]
        whole_tails = sum(not one.missing for one in unknown)
        count = len(self.sessions) + self.forgotten
        return SessionAudit(
            sessions=count,
            complete=count - len(gaps) - whole_tails,
            unknown_tail=len(unknown),
            missing=sum(one.missing for one in self.sessions.values()),
        ), problem(
            "sequence_gap",
            "Sequence numbers of a session never came: lost between robot and broker.",
            gaps,
        )

    def document(self) -> dict[str, Any]:
        """As plain data."""
        rows = [[*name, s.first, s.last, s.ranges] for name, s in self.sessions.items()]
        return {"forgotten": self.forgotten, "sessions": rows}


def read_ledger(document: Mapping[str, Any]) -> SessionLedger:
    """The ledger in a document."""
    sessions = {
        (robot, session): Session([(a, b) for a, b in ranges], first, last)
        for robot, session, first, last, ranges in document["sessions"]
    }
    return SessionLedger(sessions, document["forgotten"])


def _opened_ms(name: Stream) -> int:
    """When a session was opened, by its robot's clock."""
    return int(ULID.from_str(name[1]).milliseconds)


def _ranges(rising: npt.NDArray[np.int64]) -> Ranges:
    cuts = np.flatnonzero(np.diff(rising) != 1) + 1
    starts = rising[np.concatenate(([0], cuts))]
    stops = rising[np.concatenate((cuts - 1, [len(rising) - 1]))] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: Ranges = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged
