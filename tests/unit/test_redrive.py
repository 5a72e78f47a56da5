"""Redriving, step by step: the same record, one header more, one outcome by origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from schemas.codec import encode
from schemas.events import DeadLetter, LetterOutcome
from schemas.redrive import REDRIVE, last_outcomes, redrive_header, redrive_of
from schemas.topics import MAX_RAW_BYTES
from streams.checkpoint import PartitionState
from streams.records import PlainRecord
from tests import make

GOOD = encode(
    make.vendor("fourier").schema, make.gr1_value(np.zeros((2, 44)), np.array([0.0, 0.05]))
)
BAD = make.chunk("fourier", GOOD, 2, sequence=0, profile="fourier-gr1@9", offset=3)
ORIGIN = ("raw.fourier", 0, 3)


def again(letter: DeadLetter, offset: int) -> PlainRecord:
    """The record as a redrive puts it back."""
    headers = [*letter.headers, redrive_header(letter)]
    return replace(BAD, offset=offset, headers=headers)


def refused(record: PlainRecord, state: PartitionState | None = None) -> DeadLetter:
    (letter,) = make.dead_letters(make.run([record], state)[1])
    return letter


def mended(record: PlainRecord) -> PlainRecord:
    """The same after its profile became known: here, by another name in its header."""
    headers = [(n, b"fourier-gr1@1" if n == "profile" else v) for n, v in record.headers]
    return replace(record, headers=headers)


def test_a_refusal_of_a_redriven_record_is_the_next_attempt_at_its_origin() -> None:
    first = refused(BAD)
    second = refused(again(first, 8))
    third = refused(again(second, 11))
    assert [one.attempt for one in (first, second, third)] == [1, 2, 3]
    assert {one.origin for one in (first, second, third)} == {b"raw.fourier/0/3"}
    assert [one.at_offset for one in (first, second, third)] == [3, 8, 11]
    assert third.headers == list(BAD.headers)
    assert last_outcomes([first, second, third]) == {ORIGIN: third}


def test_a_redriven_record_that_flows_settles_its_origin() -> None:
    _, outputs = make.run([mended(again(refused(BAD), 8))])
    assert [c.source_offset for c in make.chunks(outputs)] == [8]
    (settled,) = make.dead_letters(outputs)
    assert (settled.outcome, settled.at_offset) == (LetterOutcome.CANONICAL, 8)
    assert (settled.attempt, settled.origin) == (2, b"raw.fourier/0/3")
    assert (settled.key, settled.headers, settled.value) == (None, [], None)


def test_redriven_twice_it_is_canonical_once() -> None:
    letter = refused(BAD)
    pair = [mended(again(letter, 8)), mended(again(letter, 9))]
    _, outputs = make.run(pair)
    assert len(make.chunks(outputs)) == 1
    told = [(one.outcome.value, one.at_offset) for one in make.dead_letters(outputs)]
    assert told == [("canonical", 8), ("duplicate", 9)]


def test_an_outcome_told_again_after_a_crash_changes_nothing() -> None:
    first = refused(BAD)
    settled = replace(first, outcome=LetterOutcome.CANONICAL, at_offset=8, attempt=2)
    assert last_outcomes([first, settled]) == {ORIGIN: settled}
    assert last_outcomes([first, settled, first, settled]) == {ORIGIN: settled}
    assert last_outcomes([first, settled, first]) == {ORIGIN: settled}


def test_a_record_that_names_a_foreign_origin_stands_by_itself() -> None:
    victim = refused(BAD)
    forged = replace(again(victim, 8), value=b"another value", key=b"fourier/thief")
    thief = refused(forged)
    found = last_outcomes([victim, thief])
    assert found[ORIGIN] == victim
    assert found["raw.fourier", 0, 8].reason == "unknown_profile"
    assert found.keys() == {ORIGIN, ("raw.fourier", 0, 8)}


@pytest.mark.parametrize(
    "header",
    [
        b"raw.fourier/0/3/1",
        b"raw.fourier/0/8/2",
        b"raw.fourier/0/9/2",
        b"raw.fourier/1/3/2",
        b"raw.pollen/0/3/2",
        b"raw.fourier/0/-3/2",
        b"raw.fourier/0/3/2/",
        b"raw.fourier/0/3/99999999999",
        b"\xff\xfe",
        b"",
        None,
    ],
)
def test_a_redrive_header_that_cannot_be_true_is_not_believed(header: bytes | None) -> None:
    assert redrive_of([(REDRIVE, header)], "raw.fourier", 0, 8) is None
    letter = refused(replace(BAD, offset=8, headers=[*BAD.headers, (REDRIVE, header)]))
    assert (letter.source_offset, letter.attempt) == (8, 1)


def test_two_redrive_headers_are_none() -> None:
    told = (REDRIVE, b"raw.fourier/0/3/2")
    assert redrive_of([told], "raw.fourier", 0, 8) == (3, 2)
    assert redrive_of([told, told], "raw.fourier", 0, 8) is None


def test_a_record_too_large_for_a_letter_leaves_its_bytes_where_they_are() -> None:
    letter = refused(replace(BAD, value=bytes(MAX_RAW_BYTES + 1)))
    assert (letter.value, letter.headers, letter.key) == (None, [], None)
    assert "stay in the raw topic" in letter.detail
    assert letter.content


def test_a_detail_that_quotes_what_came_stays_short() -> None:
    huge = [(n, b"9" * 1_000_000 if n == "sequence" else v) for n, v in BAD.headers]
    letter = refused(replace(BAD, headers=huge))
    assert letter.reason == "bad_envelope"
    assert len(letter.detail) <= 500
