"""A bad record is a value: why it was refused, from a closed set of reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a record went to the dead letters."""

    MISSING_ENVELOPE = "missing_envelope"
    BAD_ENVELOPE = "bad_envelope"
    WRONG_PARTITION = "wrong_partition"
    TOO_MANY_ROBOTS = "too_many_robots"
    UNKNOWN_VENDOR = "unknown_vendor"
    UNKNOWN_PROFILE = "unknown_profile"
    UNKNOWN_SCHEMA = "unknown_schema"
    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"
    UNDECODABLE = "undecodable"
    MISSING_FIELD = "missing_field"
    WRONG_SHAPE = "wrong_shape"
    BAD_TIME = "bad_time"
    BAD_MARK = "bad_mark"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be used; the shell adds its bytes and origin."""

    reason: Reason
    detail: str
    frames: int = 0
    """Frames the record claims to hold, as far as its envelope can be read."""
