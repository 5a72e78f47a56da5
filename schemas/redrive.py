"""Redriving: how a refused record goes back on its raw topic, and which outcome then counts.

A redriven record is the refused one again, same key, headers and value, with one header more that
names where the refused one stood and which attempt this is. Whatever becomes of it is told under
that origin, and the last outcome of an origin counts. A header is no proof: an outcome belongs to
an origin only where the contents are equal, so nobody can take another's refusal away.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from schemas.events import DeadLetter

REDRIVE = "redrive"
"""Header of a redriven record: origin's topic / partition / offset / attempt."""

_TOLD = re.compile(rb"([a-z0-9.-]{1,80})/(\d{1,10})/(\d{1,18})/(\d{1,9})")

Headers = Sequence[tuple[str, bytes | None]]
Origin = tuple[str, int, int]
"""Topic, partition and offset of a refused record."""


class Redrive(NamedTuple):
    """What a redriven record says of itself."""

    origin_offset: int
    attempt: int


def redrive_header(letter: DeadLetter) -> tuple[str, bytes]:
    """The header that marks the next attempt at a refused record."""
    return REDRIVE, letter.origin + b"/%d" % (letter.attempt + 1)


def redrive_of(headers: Headers | None, topic: str, partition: int, offset: int) -> Redrive | None:
    """What a record's redrive header says; None where there is none that can be true.

    A record is redriven into its own partition, so its origin lies there, and before it.
    """
    told = [value for name, value in headers or () if name == REDRIVE]
    found = _TOLD.fullmatch(told[0]) if len(told) == 1 and told[0] else None
    if found is None:
        return None
    where, origin_offset, attempt = found[1].decode(), int(found[3]), int(found[4])
    if (where, int(found[2])) != (topic, partition) or origin_offset >= offset or attempt < 2:
        return None
    return Redrive(origin_offset, attempt)


def without_redrive(headers: Headers | None) -> list[tuple[str, bytes | None]]:
    """The headers as the record had them before it was ever redriven."""
    return [(name, value) for name, value in headers or () if name != REDRIVE]


def content_of(key: bytes | None, headers: Headers | None, value: bytes | None) -> str:
    """SHA-256 of what a redriven record and its origin share, hexadecimal."""
    digest = hashlib.sha256()
    for part in (key, *_flat(without_redrive(headers)), value):
        digest.update(b"-" if part is None else b"%d:" % len(part))
        digest.update(part or b"")
    return digest.hexdigest()


def last_outcomes(letters: Iterable[DeadLetter]) -> dict[Origin, DeadLetter]:
    """The outcome that counts, by origin; letters of a partition come in the order of its log.

    An outcome whose content is not its origin's is that of a record by itself.
    """
    found: dict[Origin, DeadLetter] = {}
    for letter in letters:
        where = (letter.source_topic, letter.source_partition)
        origin = (*where, letter.source_offset)
        known = found.get(origin)
        if letter.is_first and known is not None and not known.is_first:
            continue  # Told again after a crash: what came of its redrive is newer.
        foreign = not letter.is_first and (known is None or known.content != letter.content)
        if foreign:
            letter = replace(letter, source_offset=letter.at_offset, attempt=1)
            origin = (*where, letter.at_offset)
        found[origin] = letter
    return found


def _flat(headers: Headers) -> Iterator[bytes | None]:
    for name, value in headers:
        yield name.encode("utf-8", "surrogateescape")
        yield value
