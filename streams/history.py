"""What is kept of a robot from session to session: where its zeros were, and its last episodes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from schemas.checks import BY_ID
from schemas.events import Finding
from streams.kernels.frame_checks import bias_of
from streams.kernels.take_checks import DIGEST, TAKE
from streams.state import CheckState, EpisodePrint, EpisodeState, History

F32 = npt.NDArray[np.float32]

MAX_PRINTS = 6
"""Episodes that a new one is compared with."""

_FEW_FRAMES = 20
_SAME_LENGTH = 0.02
_MOVED = 0.05
"""rad or m of spread of some joint: two takes of a robot that stands still are alike by nature."""

NO_HISTORY = History(np.zeros(0, np.float32), ())


def print_of(checks: CheckState, episode: EpisodeState) -> EpisodePrint | None:
    """What the open episode is known by; None while it is too short to tell."""
    if episode.frames < _FEW_FRAMES:
        return None
    take = checks.session.take
    count, total, squares = take[TAKE:].reshape(3, -1)
    known = np.maximum(count, 1.0)
    mean = total / known
    spread = np.sqrt(np.maximum(squares / known - mean * mean, 0.0))
    place = np.concatenate([mean, spread]).astype(np.float32)
    return EpisodePrint(episode.episode, episode.frames, int(take[DIGEST]), place)


def known_again(
    history: History, new: EpisodePrint, numbers: Mapping[str, float]
) -> tuple[str, float] | None:
    """Whether an episode is an earlier one: `duplicate` or `near_duplicate`, and its value."""
    nearest: float | None = None
    for old in history.episodes:
        if old.episode == new.episode:
            continue
        if (old.frames, old.digest) == (new.frames, new.digest):
            return "duplicate", float(new.frames)
        alike = abs(old.frames - new.frames) <= _SAME_LENGTH * new.frames
        if not alike or len(old.place) != len(new.place) or len(new.place) == 0:
            continue
        if float(np.max(new.place[len(new.place) // 2 :])) < _MOVED:
            continue
        apart = float(np.max(np.abs(old.place - new.place)))
        nearest = apart if nearest is None else min(nearest, apart)
    limit = numbers.get("near_duplicate", BY_ID["near_duplicate"].threshold)
    return ("near_duplicate", nearest) if nearest is not None and nearest < limit else None


def zero_jumps(
    history: History,
    checks: CheckState,
    names: tuple[str, ...],
    limit: float,
    first: int,
    stop: int,
) -> tuple[History, list[Finding]]:
    """Joints that lie beside their commands by another amount than in the last session.

    They are compared once, as soon as it is known of all of them.

    Args:
        history: of the robot.
        checks: the session's state.
        names: [C] of the channels.
        limit: of the jump.
        first: the session's first frame.
        stop: frame past the chunk's last.
    """
    bias = bias_of(checks.figures, len(checks.seen_ns))
    waits = np.isnan(bias) & ~np.isnan(history.bias) if len(history.bias) == len(bias) else None
    if waits is None or waits.any():
        return history, []
    check, jump = BY_ID["zero_jump"], bias - history.bias
    found = [
        Finding(
            check.id, check.severity.value, names[c], first, stop, stop - first, float(jump[c]),
            limit,
        )
        for c in np.flatnonzero(np.abs(jump) > limit)
    ]  # fmt: skip
    return history._replace(bias=NO_HISTORY.bias), found


def remember(history: History, new: EpisodePrint) -> History:
    """The history behind one more episode."""
    return history._replace(episodes=(*history.episodes, new)[-MAX_PRINTS:])


def after_session(history: History, checks: CheckState | None) -> History:
    """The history behind a session: its zeros, where they are known, else those from before."""
    if checks is None:
        return history
    bias = bias_of(checks.figures, len(checks.seen_ns)).astype(np.float32)
    if len(history.bias) == len(bias):
        bias = np.where(np.isnan(bias), history.bias, bias)
    return history._replace(bias=bias)
