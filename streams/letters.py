"""Dead letters: what is written of a refused record, and of what became of it once redriven."""

from __future__ import annotations

from schemas.events import DeadLetter, LetterOutcome, encode_dead_letter
from schemas.limits import MAX_DETAIL_CHARS
from schemas.redrive import content_of, redrive_of, without_redrive
from schemas.rejected import Rejected
from schemas.topics import MAX_RAW_BYTES, dead_letter_topic, vendor_of
from streams.records import Output, RawRecord


def dead_letter(record: RawRecord, rejected: Rejected) -> Output:
    """A refused record on its vendor's dead-letter topic, bit-exact and with its origin.

    A record that packed itself small and is larger than a raw topic accepts has no room in a
    letter: its bytes stay in the raw topic and the archive, and the letter says so.
    """
    again = redrive_of(record.headers, record.topic, record.partition, record.offset)
    headers = without_redrive(record.headers)
    key, value, detail = record.key, record.value, rejected.detail[:MAX_DETAIL_CHARS]
    size = len(key or b"") + len(value or b"")
    size += sum(len(name.encode("utf-8", "replace")) + len(text or b"") for name, text in headers)
    if size > MAX_RAW_BYTES:
        key, headers, value = None, [], None
        detail = f"{size} bytes are too many for a letter, they stay in the raw topic; {detail}"
    letter = DeadLetter(
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=again.origin_offset if again else record.offset,
        log_ms=record.timestamp,
        reason=rejected.reason.value,
        detail=detail,
        frames=rejected.frames,
        attempt=again.attempt if again else 1,
        key=key,
        headers=headers,
        value=value,
        at_offset=record.offset,
        content=content_of(record.key, record.headers, record.value),
    )
    return _output(record, letter)


def settled(record: RawRecord, outcome: LetterOutcome) -> list[Output]:
    """What became of a redriven record that was not refused again; nothing of any other."""
    again = redrive_of(record.headers, record.topic, record.partition, record.offset)
    if again is None:
        return []
    letter = DeadLetter(
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=again.origin_offset,
        log_ms=record.timestamp,
        reason="",
        detail=f"{outcome} as {record.topic}/{record.partition}/{record.offset}",
        frames=0,
        attempt=again.attempt,
        key=None,
        headers=[],
        value=None,
        outcome=outcome,
        at_offset=record.offset,
        content=content_of(record.key, record.headers, record.value),
    )
    return [_output(record, letter)]


def _output(record: RawRecord, letter: DeadLetter) -> Output:
    topic = dead_letter_topic(vendor_of(record.topic))
    return Output(topic, record.partition, letter.origin, encode_dead_letter(letter))
