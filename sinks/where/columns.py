"""What a condition may ask: the columns of an episode, what they hold, when they are known."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "String"
    WHOLE = "Int64"
    NUMBER = "Float64"
    TRUTH = "Bool"
    TIME = "Nanoseconds"


COLUMNS: Mapping[str, tuple[Kind, str]] = {
    "episode": (Kind.TEXT, "episode"),
    "processing_id": (Kind.TEXT, "processing_id"),
    "robot": (Kind.TEXT, "robot"),
    "vendor": (Kind.TEXT, "splitByChar('/', robot)[1]"),
    "session": (Kind.TEXT, "session"),
    "profile": (Kind.TEXT, "profile"),
    "embodiment": (Kind.TEXT, "embodiment"),
    "task": (Kind.TEXT, "task"),
    "skill": (Kind.TEXT, "skill"),
    "scene": (Kind.TEXT, "scene"),
    "operator": (Kind.TEXT, "operator"),
    "station": (Kind.TEXT, "station"),
    "mode": (Kind.TEXT, "mode"),
    "cause": (Kind.TEXT, "cause"),
    "verdict": (Kind.TEXT, "verdict"),
    "success": (Kind.TRUTH, "success"),
    "aborted": (Kind.TRUTH, "aborted"),
    "frames": (Kind.WHOLE, "frames"),
    "missing": (Kind.WHOLE, "missing"),
    "score": (Kind.NUMBER, "score"),
    "seconds": (Kind.NUMBER, "(t_last_ns - t_first_ns) / 1e9"),
    "started": (Kind.TIME, "t_first_ns"),
}
"""What may be asked, by name: what it holds, and the expression it stands for."""

OF_CHUNK = ("episode", "processing_id", "robot", "vendor", "session", "profile", "embodiment")
OF_OPENING = ("task", "skill", "scene", "operator", "station", "mode")
"""What is known of an episode while it runs: what each chunk says, and what its start said."""
