"""How still a robot stands in an episode, counted while it lasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.kernels.motion_checks import (
    IDLE,
    IDLE_BEFORE,
    IDLE_RUN,
    SAMPLE_S,
    SAMPLES,
)
from streams.state import SessionState

_ENOUGH_SAMPLES = 10


def begin_idleness(state: SessionState) -> SessionState:
    """Idleness is counted from here, and what the episode is known by: it begins."""
    figures = state.figures.copy()
    figures[[SAMPLES, IDLE, IDLE_BEFORE, IDLE_RUN]] = 0.0
    return state._replace(figures=figures, take=np.zeros_like(state.take))


@dataclass(frozen=True)
class Idleness:
    """How still a robot stood in an episode: share of its time, and s at its beginning and end."""

    share: float
    before_s: float
    after_s: float


def idleness(state: SessionState) -> Idleness | None:
    """Of the episode so far; None before two seconds of it, which say nothing."""
    samples, idle, before, run = state.figures[[SAMPLES, IDLE, IDLE_BEFORE, IDLE_RUN]].tolist()
    if samples < _ENOUGH_SAMPLES:
        return None
    return Idleness(idle / samples, before * SAMPLE_S, run * SAMPLE_S)
