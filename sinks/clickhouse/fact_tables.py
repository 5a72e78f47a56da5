"""Boundaries, episode events, findings and dead letters to the Arrow tables of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from schemas.canonical import Boundary
from schemas.envelope import is_robot
from schemas.events import DeadLetter, EpisodeEvent, EpisodeLabel, Finding, QualityReport
from sinks.record import Place

WHOLE_FROM = 1 << 15
HEAD_BYTES = 1024

_TEXT, _LONG, _INT, _REAL, _FLAG = (
    pa.string(), pa.int64(), pa.int32(), pa.float64(), pa.bool_(),
)  # fmt: skip
_LINEAGE = {"source_topic": _TEXT, "source_partition": _INT, "source_offset": _LONG}


class At(NamedTuple):
    """A fact and where on the log it stood."""

    place: Place
    offset: int
    fact: Any


_BOUNDARY: Mapping[str, pa.DataType] = {
    "robot": _TEXT, "session": _TEXT, "processing_id": _TEXT, "kind": _TEXT, "cause": _TEXT,
    "sequence": _LONG, "first_frame": _LONG, "frames": _LONG, "last_frame": _LONG,
    "first_sequence": _LONG, "last_sequence": _LONG, "missing": _LONG, **_LINEAGE,
    "log_ms": _LONG,
}  # fmt: skip
_EVENT: Mapping[str, pa.DataType] = {
    "episode": _TEXT, "processing_id": _TEXT, "kind": _TEXT, "robot": _TEXT, "session": _TEXT,
    "log_ms": _LONG, "profile": _TEXT, "embodiment": _TEXT, "embodiment_hash": _TEXT,
    "task": _TEXT, "skill": _TEXT, "scene": _TEXT, "operator": _TEXT, "station": _TEXT,
    "mode": _TEXT, "success": _FLAG, "aborted": _FLAG, "cause": _TEXT, "first_frame": _LONG,
    "last_frame": _LONG, "frames": _LONG, "first_sequence": _LONG, "last_sequence": _LONG,
    "missing": _LONG, "t_first_ns": _LONG, "t_last_ns": _LONG, "verdict": _TEXT, "score": _REAL,
    "manifest": _TEXT, "manifest_sha256": _TEXT,
}  # fmt: skip
_LABEL: Mapping[str, pa.DataType] = {
    "episode": _TEXT, "robot": _TEXT, "session": _TEXT, "said_ms": _LONG, "author": _TEXT,
    "review": _TEXT, "success": _FLAG, "task": _TEXT, "skill": _TEXT, "scene": _TEXT,
    "operator": _TEXT, "station": _TEXT, "mode": _TEXT, "note": _TEXT,
}  # fmt: skip
_REPORT: Mapping[str, pa.DataType] = {
    "robot": _TEXT, "session": _TEXT, "sequence": _LONG, "processing_id": _TEXT, **_LINEAGE,
    "log_ms": _LONG,
}  # fmt: skip
_FINDING: Mapping[str, pa.DataType] = {
    "check": _TEXT, "severity": _TEXT, "first_frame": _LONG, "last_frame": _LONG, "frames": _INT,
    "value": _REAL, "threshold": _REAL,
}  # fmt: skip
_LETTER: Mapping[str, pa.DataType] = {
    **_LINEAGE, "log_ms": _LONG, "reason": _TEXT, "detail": _TEXT, "frames": _INT, "attempt": _INT,
    "outcome": _TEXT, "content": _TEXT,
}  # fmt: skip


def boundaries_table(boundaries: Sequence[Boundary]) -> pa.Table:
    """The rows of `boundaries`."""
    columns = _columns(boundaries, _BOUNDARY)
    columns["episode"] = pa.array([b.episode or "" for b in boundaries], _TEXT)
    return pa.table(columns)


def events_table(events: Sequence[At]) -> pa.Table:
    """The rows of `episode_events`; the offset tells which of two is the later."""
    facts: list[EpisodeEvent] = [at.fact for at in events]
    columns = _columns(facts, _EVENT)
    columns["reasons"] = pa.array([e.reasons or [] for e in facts], pa.list_(_TEXT))
    counts = [e.findings or {} for e in facts]
    columns["finding_checks"] = pa.array([list(c) for c in counts], pa.list_(_TEXT))
    columns["finding_frames"] = pa.array([list(c.values()) for c in counts], pa.list_(_LONG))
    timing = [list((e.timing or {}).items()) for e in facts]
    columns["timing"] = pa.array(timing, pa.map_(_TEXT, _REAL))
    columns["event_partition"] = pa.array([at.place.partition for at in events], _INT)
    columns["event_offset"] = pa.array([at.offset for at in events], pa.uint64())
    return pa.table(columns)


def labels_table(labels: Sequence[At]) -> pa.Table:
    """The rows of `episode_labels`; a revision's number is its offset."""
    facts: list[EpisodeLabel] = [at.fact for at in labels]
    columns = _columns(facts, _LABEL)
    columns["label_partition"] = pa.array([at.place.partition for at in labels], _INT)
    columns["revision"] = pa.array([at.offset for at in labels], pa.uint64())
    return pa.table(columns)


def findings_table(reports: Sequence[QualityReport]) -> pa.Table:
    """The rows of `findings`.

    A report of a whole episode may stand at the sequence of its last chunk: its rows are numbered
    apart from that chunk's, whose place they would take.
    """
    pairs = [
        (report, number, finding)
        for report in reports
        for number, finding in enumerate(report.findings, WHOLE_FROM if report.whole else 0)
    ]
    findings: list[Finding] = [finding for _, _, finding in pairs]
    columns = _columns([report for report, _, _ in pairs], _REPORT)
    columns |= _columns(findings, _FINDING)
    columns["ordinal"] = pa.array([ordinal for _, ordinal, _ in pairs], pa.uint16())
    columns["episode"] = pa.array([report.episode or "" for report, _, _ in pairs], _TEXT)
    columns["channel"] = pa.array([finding.channel or "" for finding in findings], _TEXT)
    return pa.table(columns)


def letters_table(letters: Sequence[At]) -> pa.Table:
    """The rows of `dead_letters`."""
    facts: list[DeadLetter] = [at.fact for at in letters]
    columns = _columns(facts, _LETTER)
    columns["robot"] = pa.array([_robot(letter) for letter in facts], _TEXT)
    columns["value_bytes"] = pa.array([len(letter.value or b"") for letter in facts], _LONG)
    columns["value_head"] = pa.array(
        [(letter.value or b"")[:HEAD_BYTES] for letter in facts], pa.binary()
    )
    columns["letter_topic"] = pa.array([at.place.topic for at in letters], _TEXT)
    columns["letter_partition"] = pa.array([at.place.partition for at in letters], _INT)
    columns["letter_offset"] = pa.array([at.offset for at in letters], pa.uint64())
    return pa.table(columns)


def processings_table(opened_ms: Sequence[tuple[str, int]]) -> pa.Table:
    """The rows of `processings`: the same from the same records, whoever reads them and when."""
    return pa.table(
        {
            "processing_id": pa.array([processing for processing, _ in opened_ms], _TEXT),
            "first_ms": pa.array([at_ms for _, at_ms in opened_ms], _LONG),
        }
    )


def _columns(facts: Sequence[Any], types: Mapping[str, pa.DataType]) -> dict[str, pa.Array]:
    return {
        name: pa.array([getattr(fact, name) for fact in facts], kind)
        for name, kind in types.items()
    }


def _robot(letter: DeadLetter) -> str:
    """The robot a refused record names, where that is a robot's name."""
    for name, value in letter.headers:
        if name == "robot" and value is not None:
            text = value.decode("utf-8", "replace")
            return text if is_robot(text) else ""
    return ""
