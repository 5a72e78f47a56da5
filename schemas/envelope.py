"""The envelope of a raw record: who sent what, where it stands, in Kafka's headers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from schemas.headers import UNREADABLE
from schemas.limits import MAX_FRAME_INDEX, MAX_FRAMES, MAX_ID_CHARS, MAX_NS, MAX_SEQUENCE
from schemas.rejected import Reason, Rejected
from schemas.topics import is_vendor

Headers = list[tuple[str, bytes]]

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}")
_SESSION = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_DIGITS = 19
_UNTOLD = {"sequence": b"0", "first_frame": b"0", "frames": b"0", "profile": b""}


class Kind(StrEnum):
    """What a raw record holds."""

    CHUNK = "chunk"
    MARK = "mark"
    STATION_MARK = "station-mark"
    TICK = "tick"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Identity and place of a chunk or mark.

    Attributes:
        kind: chunk, mark, or a station's mark, which stands outside the sequence: sequence, first
            frame and profile are not told (a tick has no more than its kind and time).
        robot: `<vendor>/<serial>`.
        session: ULID of the SDK's connection; a reboot is a new session.
        sequence: place among the session's chunks and marks, from 0, never restarting.
        first_frame: index of the chunk's first frame in the session; for a mark, of the next frame.
        frames: frames in the chunk, 1 … 64; 0 for a mark.
        published_ns: the publisher's wall clock when it sent the record, Unix nanoseconds.
        profile: `<name>@<version>` of the vendor profile that explains the value.
    """

    kind: Kind
    robot: str
    session: str
    sequence: int
    first_frame: int
    frames: int
    published_ns: int
    profile: str

    @property
    def vendor(self) -> str:
        """The vendor part of the robot's name."""
        return self.robot.split("/", 1)[0]


_FIELDS = frozenset(Envelope.__dataclass_fields__)


@lru_cache(maxsize=65_536)
def is_robot(name: str) -> bool:
    """Whether a name is `<vendor>/<serial>` with characters that are safe in keys and paths."""
    vendor, slash, serial = name.partition("/")
    return bool(slash) and is_vendor(vendor) and _SERIAL.fullmatch(serial) is not None


@lru_cache(maxsize=65_536)
def is_session(name: str) -> bool:
    """Whether a name is a ULID in canonical upper case."""
    return _SESSION.fullmatch(name) is not None


def envelope_headers(envelope: Envelope) -> Headers:
    """The Kafka headers of a chunk or mark."""
    return [
        ("kind", envelope.kind.value.encode()),
        ("robot", envelope.robot.encode()),
        ("session", envelope.session.encode()),
        ("sequence", b"%d" % envelope.sequence),
        ("first_frame", b"%d" % envelope.first_frame),
        ("frames", b"%d" % envelope.frames),
        ("published_ns", b"%d" % envelope.published_ns),
        ("profile", envelope.profile.encode()),
    ]


def station_mark_headers(robot: str, session: str, published_ns: int) -> Headers:
    """The Kafka headers of a mark that does not come by the robot's own connection."""
    return [
        ("kind", Kind.STATION_MARK.value.encode()),
        ("robot", robot.encode()),
        ("session", session.encode()),
        ("published_ns", b"%d" % published_ns),
    ]


def tick_headers(published_ns: int) -> Headers:
    """The Kafka headers of a tick: log time goes on though no robot speaks."""
    return [("kind", b"tick"), ("published_ns", b"%d" % published_ns)]


def is_tick(headers: Iterable[tuple[str, bytes | None]] | None) -> bool:
    """Whether a record is a tick: it says so, and nothing else."""
    return [value for name, value in headers or () if name == "kind"] == [b"tick"]


def parse_envelope(headers: Iterable[tuple[str, bytes | None]] | None) -> Envelope | Rejected:
    """Read and check the envelope of a chunk or mark."""
    told = [header for header in headers or () if header[0] in _FIELDS]
    fields = dict(told)
    if "kind" not in fields or "robot" not in fields:
        if any(name == UNREADABLE for name, _ in headers or ()):
            return Rejected(Reason.BAD_ENVELOPE, "the name of a header is no UTF-8")
        return Rejected(Reason.MISSING_ENVELOPE, "the record has no kind and robot headers")
    if len(told) != len(fields):
        return Rejected(Reason.BAD_ENVELOPE, "a header of the envelope stands there twice")
    try:
        kind = Kind(_text(fields, "kind"))
        if kind is Kind.STATION_MARK:
            fields = {**_UNTOLD, **fields}
        envelope = Envelope(
            kind=kind,
            robot=_text(fields, "robot"),
            session=_text(fields, "session"),
            sequence=_natural(fields, "sequence", MAX_SEQUENCE),
            first_frame=_natural(fields, "first_frame", MAX_FRAME_INDEX),
            frames=_natural(fields, "frames", MAX_FRAMES + 1),
            published_ns=_natural(fields, "published_ns", MAX_NS),
            profile=_text(fields, "profile"),
        )
    except (KeyError, ValueError) as error:
        return Rejected(Reason.BAD_ENVELOPE, f"header {error}")
    problem = _problem(envelope)
    if problem:
        return Rejected(Reason.BAD_ENVELOPE, problem, envelope.frames)
    return envelope


def _problem(envelope: Envelope) -> str | None:
    if envelope.kind is Kind.TICK:
        return "a tick carries no robot"
    if not is_robot(envelope.robot):
        return f"robot {envelope.robot!r} is not <vendor>/<serial>"
    if not is_session(envelope.session):
        return f"session {envelope.session!r} is not a ULID"
    wanted = envelope.kind is Kind.CHUNK
    if wanted and not envelope.frames:
        return f"a chunk has 1 to {MAX_FRAMES} frames, this one none"
    if not wanted and envelope.frames:
        return "a mark has no frames"
    return None


def _text(fields: dict[str, bytes | None], name: str) -> str:
    value = fields[name]
    if value is None or len(value) > MAX_ID_CHARS:
        raise ValueError(f"{name} is absent or longer than {MAX_ID_CHARS} bytes")
    return value.decode()


def _natural(fields: dict[str, bytes | None], name: str, below: int) -> int:
    value = fields[name]
    if value is None or not value.isdigit() or len(value) > _DIGITS or int(value) >= below:
        shown = value if value is None else value[:_DIGITS]
        raise ValueError(f"{name} is not a whole number from 0 to {below - 1}: {shown!r}")
    return int(value)
