"""Puts refused records back on their raw topics, and finds out what became of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from deploy.audit.kafka import AuditReader
from deploy.audit.raw import Place
from deploy.dlq.refusals import Refusal
from schemas.events import DeadLetter, decode_dead_letter
from schemas.redrive import redrive_header
from schemas.topics import MAX_RECORD_BYTES, dead_letter_topic

DELIVER_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.2


class NotAcknowledgedError(RuntimeError):
    """The broker did not take a record that was to be redriven."""


@dataclass(frozen=True)
class PutBack:
    """One record that was redriven.

    Attributes:
        origin: where it was refused.
        attempt: which attempt this is.
        at_offset: where it stands now, in the same partition.
        outcome: what became of it; `waiting` where no outcome was told in time.
        reason: of its refusal, where it was refused again.
        detail: the same, in a sentence.
    """

    origin: str
    attempt: int
    at_offset: int
    outcome: str = "waiting"
    reason: str = ""
    detail: str = ""

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def put_back(
    bootstrap: str, reader: AuditReader, refusals: Sequence[Refusal], wait_s: float
) -> list[PutBack]:
    """Redrive records in the order of their logs, and wait for what becomes of them.

    Args:
        bootstrap: the broker.
        reader: reads the letters.
        refusals: each with the bytes of its record in a letter.
        wait_s: how long to wait for the workers' answers.

    Raises:
        NotAcknowledgedError: the broker refused one or did not answer; what it took is redriven.
    """
    attempts = {_letter_at(one): one.attempt for one in refusals}
    places = {place for place, _ in attempts}
    behind = {place: high for place, (_, high) in reader.watermarks(places).items()}
    sent = _produce(bootstrap, _letters(reader, attempts))
    return _outcomes(reader, sent, behind, wait_s)


def _letter_at(one: Refusal) -> tuple[Place, int]:
    return (dead_letter_topic(one.vendor), one.letter_partition), one.letter_offset


def _letters(
    reader: AuditReader, attempts: Mapping[tuple[Place, int], int]
) -> Iterator[DeadLetter]:
    """The letters with the records' bytes, each with the attempt that was the last."""
    spans: dict[Place, tuple[int, int]] = {}
    for place, offset in attempts:
        start, stop = spans.get(place, (offset, offset + 1))
        spans[place] = (min(start, offset), max(stop, offset + 1))
    for message in reader.read(spans):
        attempt = attempts.get(((message.topic(), message.partition()), message.offset()))
        if attempt is not None:
            yield replace(decode_dead_letter(message.value()), attempt=attempt)


def _produce(bootstrap: str, letters: Iterator[DeadLetter]) -> list[PutBack]:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "acks": "all",
            "message.max.bytes": MAX_RECORD_BYTES,
            "message.timeout.ms": int(DELIVER_WITHIN_S * 1000),
        }
    )
    sent: list[PutBack] = []
    failed: list[str] = []

    def delivered(letter: DeadLetter, error: KafkaError | None, message: Message) -> None:
        origin = letter.origin.decode()
        if error is not None:
            failed.append(f"{origin}: {error.str()}")
        else:
            sent.append(PutBack(origin, letter.attempt + 1, message.offset()))

    for letter in letters:
        while True:
            try:
                producer.produce(
                    letter.source_topic,
                    letter.value,
                    letter.key,
                    letter.source_partition,
                    headers=[*letter.headers, redrive_header(letter)],
                    on_delivery=lambda error, message, letter=letter: delivered(
                        letter, error, message
                    ),
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush(DELIVER_WITHIN_S)
    if failed:
        raise NotAcknowledgedError(
            f"{len(failed)} were not taken by the broker, {len(sent)} were; first: {failed[0]}"
        )
    return sent


def _outcomes(
    reader: AuditReader, sent: Sequence[PutBack], behind: Mapping[Place, int], wait_s: float
) -> list[PutBack]:
    """What became of each, as the dead-letter topics tell it from these offsets on."""
    waiting = {(one.origin, one.at_offset): one for one in sent}
    done: dict[tuple[str, int], PutBack] = {}
    begins = dict(behind)
    until = time.monotonic() + wait_s
    while waiting and time.monotonic() < until:
        ends = {place: high for place, (_, high) in reader.watermarks(begins).items()}
        for _, letter in reader.letters({p: (begins[p], ends[p]) for p in begins}):
            found = waiting.pop((letter.origin.decode(), letter.at_offset), None)
            if found is not None:
                done[found.origin, found.at_offset] = replace(
                    found, outcome=letter.outcome.value, reason=letter.reason, detail=letter.detail
                )
        begins = ends
        if waiting:
            time.sleep(_LOOK_EVERY_S)
    return [done.get((one.origin, one.at_offset), one) for one in sent]
