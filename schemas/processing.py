"""The processing id: frames made by the same profile, body, checks and code share it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from schemas.checks import CATALOGUE
from schemas.profile import Profile
from schemas.thresholds import Threshold

CODE_VERSION = 4
"""Raised whenever a pure step changes what it gives for the same input."""


def processing_id(
    profile: Profile,
    embodiment_hash: str,
    repair: str = "",
    thresholds: Sequence[Threshold] = (),
) -> str:
    """16 hex characters that own every canonical frame made this way.

    A repair makes frames of the same log in another order than it came: what it has read is part
    of its name, so that the same repair has the same id, and one that has read more another.
    """
    content: dict[str, Any] = {
        "profile": profile.document(),
        "embodiment": embodiment_hash,
        "checks": [check.document() for check in CATALOGUE],
        "code": CODE_VERSION,
    }
    if thresholds:
        content["thresholds"] = [row.document() for row in thresholds]
    if repair:
        content["repair"] = repair
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
