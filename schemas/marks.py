"""Marks: what the station says between frames (JSON in the value of a mark record)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.limits import MAX_FRAME_INDEX, MAX_ID_CHARS, MAX_NS, MAX_SEQUENCE
from schemas.rejected import Reason, Rejected

Label = Annotated[str, StringConstraints(max_length=MAX_ID_CHARS)]


class MarkKind(StrEnum):
    """What happens at a mark."""

    SESSION_START = "session_start"
    SESSION_END = "session_end"
    EPISODE_START = "episode_start"
    EPISODE_END = "episode_end"


class Mode(StrEnum):
    """Who moves the robot."""

    TELEOPERATED = "teleoperated"
    AUTONOMOUS = "autonomous"
    SUPERVISED = "supervised"
    INTERVENTION = "intervention"


class Mark(BaseModel):
    """One mark; the episode's fields stand on its start, `success` on its end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mark: MarkKind
    task: Label | None = None
    skill: Label | None = None
    scene: Label | None = None
    operator: Label | None = None
    station: Label | None = None
    mode: Mode | None = None
    success: bool | None = None
    aborted: bool = False
    last_sequence: int | None = Field(default=None, ge=0, lt=MAX_SEQUENCE)
    """On a session's end: the sequence of this very mark, the last of the session."""
    at_frame: int | None = Field(default=None, ge=0, lt=MAX_FRAME_INDEX)
    """Of a mark from outside the sequence: the frame before which it stands."""
    at_ns: int | None = Field(default=None, ge=0, lt=MAX_NS)
    """Or the canonical time, Unix nanoseconds."""

    def to_json(self) -> bytes:
        """The value of the mark's record."""
        fields: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        return orjson.dumps(fields)


def parse_mark(value: bytes | None) -> Mark | Rejected:
    """Read a mark record's value."""
    if value is None or len(value) > 16 * 1024:
        return Rejected(Reason.BAD_MARK, "the mark's value is absent or larger than 16 KB")
    try:
        return Mark.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "value"
        return Rejected(Reason.BAD_MARK, f"{where}: {first['msg']}")


def episode_id(session: str, sequence: int) -> str:
    """The name of an episode: its session and the sequence of its start mark."""
    return f"{session}-{sequence:010d}"


def outside_id(session: str, offset: int) -> str:
    """The name of a mark from outside the sequence: its session and its offset in the raw topic.

    It has no sequence, and the name of an episode is another record's.
    """
    return f"{session}@{offset:010d}"
