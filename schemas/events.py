"""Records about episodes, findings and refusals: what stands on the low-rate topics."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from schemas.codec import CodecError, decode_one_of, encode
from schemas.registry import packaged


class EventKind(StrEnum):
    """A fact about an episode; each kind has one writer."""

    OPENED = "opened"
    CLOSED = "closed"
    REFUSED = "refused"
    VERDICT = "verdict"
    STORED = "stored"
    SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class EpisodeEvent:
    """One record on `episodes`; see `episode_event.avsc` for each field."""

    episode: str
    processing_id: str
    kind: EventKind
    robot: str
    session: str
    log_ms: int
    profile: str | None = None
    embodiment: str | None = None
    embodiment_hash: str | None = None
    task: str | None = None
    skill: str | None = None
    scene: str | None = None
    operator: str | None = None
    station: str | None = None
    mode: str | None = None
    success: bool | None = None
    aborted: bool | None = None
    cause: str | None = None
    first_frame: int | None = None
    last_frame: int | None = None
    frames: int | None = None
    first_sequence: int | None = None
    last_sequence: int | None = None
    missing: int | None = None
    t_first_ns: int | None = None
    t_last_ns: int | None = None
    verdict: str | None = None
    score: float | None = None
    reasons: list[str] | None = None
    findings: dict[str, int] | None = None
    timing: dict[str, float] | None = None
    manifest: str | None = None
    manifest_sha256: str | None = None

    @property
    def key(self) -> bytes:
        """The compaction key: one record stays for each episode, processing and kind."""
        return f"{self.episode}/{self.processing_id}/{self.kind.value}".encode()


@dataclass(frozen=True, slots=True)
class EpisodeLabel:
    """One record on `episodes.labels`; see `episode_label.avsc` for each field."""

    episode: str
    robot: str
    session: str
    said_ms: int
    author: str | None = None
    review: str | None = None
    success: bool | None = None
    task: str | None = None
    skill: str | None = None
    scene: str | None = None
    operator: str | None = None
    station: str | None = None
    mode: str | None = None
    note: str | None = None

    @property
    def key(self) -> bytes:
        """The record's key."""
        return self.episode.encode()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found in a chunk, on one joint or on the whole frame."""

    check: str
    severity: str
    channel: str | None
    first_frame: int
    last_frame: int
    frames: int
    value: float
    threshold: float


@dataclass(frozen=True, slots=True)
class QualityReport:
    """One record on `quality.reports`."""

    robot: str
    session: str
    sequence: int
    first_frame: int
    frames: int
    episode: str | None
    processing_id: str
    source_topic: str
    source_partition: int
    source_offset: int
    log_ms: int
    findings: list[Finding] = field(default_factory=list)
    score: float | None = None
    whole: bool = False


class LetterOutcome(StrEnum):
    """What became of a refused record; anything but `refused` comes of a redrive."""

    REFUSED = "refused"
    CANONICAL = "canonical"
    MARK = "mark"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record on `dead-letter.<vendor>`; see `dead_letter.avsc` for each field."""

    source_topic: str
    source_partition: int
    source_offset: int
    log_ms: int
    reason: str
    detail: str
    frames: int
    attempt: int
    key: bytes | None
    headers: list[tuple[str, bytes | None]]
    value: bytes | None
    outcome: LetterOutcome = LetterOutcome.REFUSED
    at_offset: int = -1
    content: str = ""

    @property
    def origin(self) -> bytes:
        """The record's key: where the refused record stood."""
        return f"{self.source_topic}/{self.source_partition}/{self.source_offset}".encode()

    @property
    def is_first(self) -> bool:
        """Whether it is about the origin itself, not about a redriven record."""
        return self.at_offset in (-1, self.source_offset)


# Each `decode_…` raises CodecError for a value that is not what its topic holds.


def encode_event(event: EpisodeEvent) -> bytes:
    """The value of a record on `episodes`."""
    return encode(packaged().named("episode_event"), _record(event))


def decode_event(data: bytes) -> EpisodeEvent:
    """Read a record of `episodes`."""
    record = _read(data, "episode_event")
    record["kind"] = EventKind(record["kind"])
    return EpisodeEvent(**record)


def encode_label(label: EpisodeLabel) -> bytes:
    """The value of a record on `episodes.labels`."""
    return encode(packaged().named("episode_label"), _record(label))


def decode_label(data: bytes) -> EpisodeLabel:
    """Read a record of `episodes.labels`."""
    return EpisodeLabel(**_read(data, "episode_label"))


def encode_report(report: QualityReport) -> bytes:
    """The value of a record on `quality.reports`."""
    record = _record(report)
    record["findings"] = [_record(finding) for finding in report.findings]
    return encode(packaged().named("quality_report"), record)


def decode_report(data: bytes) -> QualityReport:
    """Read a record of `quality.reports`."""
    record = _read(data, "quality_report")
    record["findings"] = [Finding(**finding) for finding in record["findings"]]
    return QualityReport(**record)


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """The value of a record on a dead-letter topic."""
    record = _record(letter)
    record["headers"] = [{"name": name, "value": value} for name, value in letter.headers]
    return encode(packaged().named("dead_letter"), record)


def decode_dead_letter(data: bytes) -> DeadLetter:
    """Read a record of a dead-letter topic."""
    record = _read(data, "dead_letter")
    record["headers"] = [(header["name"], header["value"]) for header in record["headers"]]
    try:
        record["outcome"] = LetterOutcome(record["outcome"])
    except ValueError as error:
        raise CodecError(str(error)) from None
    return DeadLetter(**record)


def _read(data: bytes, kind: str) -> dict[str, Any]:
    record: dict[str, Any] = decode_one_of(data, packaged(), (kind,))[1]
    return record


def _record(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}
