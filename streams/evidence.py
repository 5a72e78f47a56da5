"""Timing evidence of an episode: what an exported data set, resampled, can no longer show."""

from __future__ import annotations

import math

from streams.clock_check import drift_of
from streams.idleness import begin_idleness
from streams.kernels.timing_checks import TAKE_MISSED, TAKE_SQUARES, TAKE_STEPS
from streams.state import CheckState


def begin_take(state: CheckState) -> CheckState:
    """The checks' state where an episode begins: its own sums start from nothing."""
    figures = state.figures.copy()
    figures[[TAKE_STEPS, TAKE_SQUARES, TAKE_MISSED]] = 0.0
    return state._replace(figures=figures, session=begin_idleness(state.session))


def timing_of(state: CheckState) -> dict[str, float]:
    """Of the episode so far.

    `jitter_periods`: standard deviation of the steps between frames, in nominal periods;
    `missed_frames`: frames that the stamps say are missing; and, where publish times tell,
    `drift_ppm`, `drift_ci_ppm` and `offset_s` of the session's clock.
    """
    steps, squares, missed = state.figures[[TAKE_STEPS, TAKE_SQUARES, TAKE_MISSED]].tolist()
    evidence = {"missed_frames": missed}
    if steps > 0.0:
        evidence["jitter_periods"] = math.sqrt(squares / steps)
    drift = drift_of(state.session)
    if drift is not None and drift.seconds >= 60.0:
        evidence |= {
            "drift_ppm": drift.ppm,
            "drift_ci_ppm": drift.ci_ppm,
            "offset_s": drift.offset_s,
        }
    return evidence
