"""No two rounds of a loop are the same to the last bit, as no two takes of a robot are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from schemas.blocks import Block
from schemas.profile import Profile

_NUDGE = 1e-4
"""In the vendor's own unit; far below its noise."""


def varied(
    value: dict[str, Any], profile: Profile, blocks: Mapping[str, Block], rounds: int
) -> dict[str, Any]:
    """A chunk of a later round of the loop: one number in it is a little other than in the first.

    Args:
        value: the chunk; it is not changed.
        profile: the vendor's.
        blocks: fields that are blocks of bytes.
        rounds: how often the loop was gone through before.
    """
    source = profile.groups[0].position
    column, nudge = (source.columns or (0, 0))[0], _NUDGE * rounds
    if profile.sparse is not None:
        frames = list(value[profile.sparse.frames])
        name = source.entries or profile.sparse.entries
        entries = list(frames[0][name])
        if not entries:
            return value
        entries[0] = {**entries[0], source.field: entries[0][source.field] + nudge}
        frames[0] = {**frames[0], name: entries}
        return {**value, profile.sparse.frames: frames}
    if source.field in blocks:
        numbers = np.frombuffer(value[source.field], blocks[source.field].dtype).copy()
        if numbers.dtype.kind != "f":
            return value
        numbers[column] += nudge
        return {**value, source.field: numbers.tobytes()}
    rows = list(value[source.field])
    first = rows[0]
    rows[0] = (
        [*first[:column], first[column] + nudge, *first[column + 1 :]]
        if isinstance(first, list)
        else first + nudge
    )
    return {**value, source.field: rows}
