"""Episodes of a vendor whose stations set no marks: motion between pauses, as its profile says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from schemas.canonical import Cause
from schemas.embodiment import Embodiment
from schemas.envelope import Envelope
from schemas.marks import Mark, MarkKind
from schemas.profile import ByGap
from streams.kernels.frame_checks import last_position
from streams.records import Output, RawRecord
from streams.state import RobotState
from streams.track import close_episode, open_episode

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_UNTOLD = Mark(mark=MarkKind.EPISODE_START)


def cut_at_gaps(
    state: RobotState,
    rule: ByGap,
    envelope: Envelope,
    t_ns: I64,
    position: F64,
    embodiment: Embodiment,
    record: RawRecord,
) -> tuple[RobotState, list[Output]]:
    """Close and open episodes before a chunk that came in order; a session with marks has its own.

    Args:
        state: the robot before the chunk.
        rule: the profile's.
        envelope: the chunk's.
        t_ns: [T] canonical times.
        position: [T, C] what its channels report.
        embodiment: the robot's.
        record: the raw record.
    """
    if state.marked:
        return state, []
    longest_ns = int(rule.gap_s * 1e9)
    moves = rule.rest_rad_s == 0.0 or _speed(state, t_ns, position) > rule.rest_rad_s
    outputs: list[Output] = []
    episode = state.episode
    if episode is not None and episode.t_last_ns is not None:
        paused_ns = abs(int(t_ns[0]) - episode.t_last_ns)
        rested_ns = 0 if moves or episode.moved_ns is None else int(t_ns[0]) - episode.moved_ns
        if max(paused_ns, rested_ns) > longest_ns:
            state, outputs = close_episode(state, Cause.GAP, None, record)
            episode = None
    if not moves:
        return state, outputs
    if episode is not None:
        return state._replace(episode=episode._replace(moved_ns=int(t_ns[-1]))), outputs
    state, opened = open_episode(
        state,
        _UNTOLD,
        envelope.sequence,
        envelope.first_frame,
        embodiment,
        record,
        cause=Cause.GAP,
        moved_ns=int(t_ns[-1]),
    )
    return state, outputs + opened


def _speed(state: RobotState, t_ns: I64, position: F64) -> float:
    """Mean speed of the fastest channel over a chunk and the step that leads to it, rad/s."""
    first, first_ns = position[0], int(t_ns[0])
    last, motion = state.checks, state.motion
    if last is not None and motion is not None and len(last.seen_ns) == len(first):
        first, first_ns = last_position(last.figures, len(first)), motion.t_ns
    elapsed_s = (int(t_ns[-1]) - first_ns) / 1e9
    moved = np.abs(position[-1] - first)
    if elapsed_s <= 0 or not np.isfinite(moved).any():
        return 0.0
    return float(np.nanmax(moved)) / elapsed_s
