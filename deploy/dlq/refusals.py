"""Reads the dead-letter topics: each refused record once, with the outcome that counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from deploy.audit.kafka import AuditReader
from schemas.envelope import is_robot
from schemas.events import DeadLetter, LetterOutcome, decode_dead_letter
from schemas.redrive import Origin, content_of, last_outcomes
from schemas.topics import DEAD_LETTER_PREFIX, dead_letter_topic, vendor_of


@dataclass(frozen=True)
class Refusal:
    """A refused record and what became of it.

    Attributes:
        origin: topic/partition/offset.
        vendor: whose topic it came on.
        robot: as its envelope says; empty where that cannot be read.
        outcome: refused, or what came of redriving it.
        reason: of the refusal that stands; empty once it is settled.
        detail: the same, in a sentence.
        attempt: how often it was worked on.
        frames: as its envelope claims.
        refused_ms: log time of its first refusal, Unix ms.
        outcome_ms: log time of the outcome.
        value_bytes: size of its value.
        has_bytes: whether a letter holds the record, so that it can be redriven.
        letter_partition: of the dead-letter topic.
        letter_offset: of the letter that holds its bytes.
    """

    origin: str
    vendor: str
    robot: str
    outcome: LetterOutcome
    reason: str
    detail: str
    attempt: int
    frames: int
    refused_ms: int
    outcome_ms: int
    value_bytes: int
    has_bytes: bool
    letter_partition: int
    letter_offset: int

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Wanted:
    """Which refusals; what is left out does not matter."""

    reasons: Collection[str] = ()
    vendors: Collection[str] = ()
    origins: Collection[str] = ()
    since_ms: int = 0

    def takes(self, one: Refusal) -> bool:
        """Whether a refusal is one of them."""
        return (
            one.refused_ms >= self.since_ms
            and (not self.reasons or one.reason in self.reasons)
            and (not self.vendors or one.vendor in self.vendors)
            and (not self.origins or one.origin in self.origins)
        )


@dataclass(frozen=True)
class _Holder:
    """The letter that holds a record's bytes, without them."""

    letter: DeadLetter
    offset: int
    robot: str
    value_bytes: int
    has_bytes: bool


def read_refusals(reader: AuditReader, wanted: Wanted) -> list[Refusal]:
    """Every refused record that is wanted, the oldest first; the letters' bytes are not kept."""
    holders: dict[Origin, _Holder] = {}
    topics = [dead_letter_topic(vendor) for vendor in wanted.vendors] or [DEAD_LETTER_PREFIX]
    places = {place for topic in topics for place in reader.places(topic)}

    def letters() -> Iterator[DeadLetter]:
        for message, letter in reader.letters(reader.watermarks(places)):
            bare = replace(letter, key=None, headers=[], value=None)
            if letter.outcome is LetterOutcome.REFUSED:
                offset = letter.source_offset if letter.is_first else letter.at_offset
                record = (letter.source_topic, letter.source_partition, offset)
                holders[record] = _Holder(
                    bare, message.offset(), _robot(letter), len(letter.value or b""),
                    letter.content in ("", content_of(letter.key, letter.headers, letter.value)),
                )  # fmt: skip
            yield bare

    found = [
        _refusal(origin, last, holders[origin])
        for origin, last in last_outcomes(letters()).items()
        if origin in holders
    ]
    return sorted(
        (one for one in found if wanted.takes(one)),
        key=lambda one: (one.refused_ms, one.vendor, one.letter_partition, one.letter_offset),
    )


def read_letter(reader: AuditReader, one: Refusal) -> DeadLetter:
    """The letter that holds a refused record's bytes."""
    place = (dead_letter_topic(one.vendor), one.letter_partition)
    (message,) = reader.read({place: (one.letter_offset, one.letter_offset + 1)})
    return decode_dead_letter(message.value())


def _refusal(origin: Origin, last: DeadLetter, holder: _Holder) -> Refusal:
    topic, partition, offset = origin
    return Refusal(
        origin=f"{topic}/{partition}/{offset}",
        vendor=vendor_of(topic),
        robot=holder.robot,
        outcome=last.outcome,
        reason=last.reason,
        detail=last.detail,
        attempt=last.attempt,
        frames=holder.letter.frames,
        refused_ms=holder.letter.log_ms,
        outcome_ms=last.log_ms,
        value_bytes=holder.value_bytes,
        has_bytes=holder.has_bytes,
        letter_partition=partition,
        letter_offset=holder.offset,
    )


def _robot(letter: DeadLetter) -> str:
    told = dict(letter.headers).get("robot")
    name = (told or b"").decode("utf-8", "replace")
    return name if is_robot(name) else ""
