"""Records that are not what their topic holds: somebody else has written there."""

from __future__ import annotations

from schemas.canonical import Boundary, CanonicalChunk, decode_canonical
from schemas.codec import CodecError
from sinks.record import Record


class ForeignRecordError(Exception):
    """A record that is not of its topic's kind; whoever follows the topic steps over it."""


def fact_of(record: Record) -> CanonicalChunk | Boundary:
    """What a record of `canonical.frames` says; raises ForeignRecordError where it is none."""
    try:
        return decode_canonical(record.value or b"")
    except CodecError as error:
        raise ForeignRecordError(str(error)) from None
