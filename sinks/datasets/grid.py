"""From the robot's own times to a grid of equal steps: what each signal is at each step.

A gap that is longer than the limit is never bridged: it raises GapError. A signal that begins late
or ends early, within the limit, stands still there. At a grid time that a frame carries, every
signal is that frame's own value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NS = 1_000_000_000


class GapError(ValueError):
    """A signal is not there for longer than may be bridged."""


@dataclass(frozen=True, slots=True)
class Grid:
    """N steps over T frames.

    Attributes:
        t_ns: [T] times of the frames, rising.
        step_ns: [N] times of the steps: the first frame's, and every 1 / fps after it.
        end_ns: [N] where each step ends: the next one's time.
        max_gap_ns: the longest gap that is bridged.
    """

    t_ns: I64
    step_ns: I64
    end_ns: I64
    max_gap_ns: int

    @property
    def steps(self) -> int:
        """N."""
        return len(self.step_ns)


def lay_grid(t_ns: I64, fps: int, max_gap_ns: int) -> Grid:
    """The grid of frames at these times; GapError where they are too far apart.

    Args:
        t_ns: [T] rising, at least one.
        fps: steps a second.
        max_gap_ns: as in `Grid`.
    """
    longest = longest_gap_ns(t_ns)
    if longest > max_gap_ns:
        raise GapError(
            f"no frame for {longest / NS:.3f} s; at most {max_gap_ns / NS:g} s is bridged"
        )
    count = int(t_ns[-1] - t_ns[0]) * fps // NS + 1
    edges = t_ns[0] + (np.arange(count + 1, dtype=np.int64) * NS + fps // 2) // fps
    # Rounding to the nanosecond may put the last step behind the last frame.
    edges[:count] = np.minimum(edges[:count], t_ns[-1])
    return Grid(t_ns, edges[:count], edges[1:], max_gap_ns)


def longest_gap_ns(t_ns: I64) -> int:
    """The longest time between two neighbouring frames; 0 of a single one."""
    return int(np.diff(t_ns).max()) if len(t_ns) > 1 else 0


def linear(grid: Grid, values: F32, name: str) -> F64:
    """Straight lines between neighbouring frames. values: [C, T]; NaN = not there. Returns [C, N].

    A value that is missing is bridged like a missing frame.
    """
    out = np.empty((len(values), grid.steps))
    whole = np.isfinite(values).all(axis=1)
    low, high, share = _between(grid.t_ns, grid.step_ns)
    if whole.any():
        held = values[whole].astype(np.float64)
        start = held[:, low]
        out[whole] = start + (held[:, high] - start) * share
    for c in np.flatnonzero(~whole):
        own, own_grid = _present(grid, values[c], f"{name} {c}")
        low_c, high_c, share_c = _between(own_grid.t_ns, grid.step_ns)
        start = own[low_c]
        out[c] = start + (own[high_c] - start) * share_c
    return out


def angular(grid: Grid, angle: F32, name: str) -> F64:
    """As `linear`, the shorter way around. angle: [C, T] rad. Returns [C, N] in (−π, π]."""
    out = np.empty((len(angle), grid.steps))
    for c, values in enumerate(angle):
        own, own_grid = _present(grid, values, f"{name} {c}")
        low, high, share = _between(own_grid.t_ns, grid.step_ns)
        turn = own[high] - own[low]
        turn -= 2 * np.pi * np.round(turn / (2 * np.pi))
        moved = own[low] + turn * share
        out[c] = np.where(np.abs(moved) > np.pi, moved - 2 * np.pi * np.sign(moved), moved)
    return out


def rotations(grid: Grid, quaternion: F32, name: str) -> F64:
    """Normalised linear interpolation the shorter way. quaternion: [4, T] wxyz. Returns [4, N]."""
    finite = np.logical_and.reduce(np.isfinite(quaternion), axis=0)
    own_grid = grid if finite.all() else _sub_grid(grid, finite, name)
    own = quaternion[:, finite].astype(np.float64)
    low, high, share = _between(own_grid.t_ns, grid.step_ns)
    start, end = own[:, low], own[:, high]
    same_way = np.where((start * end).sum(axis=0) < 0.0, -1.0, 1.0)
    mixed = np.where(share == 0.0, start, start * (1.0 - share) + same_way * end * share)
    norm = np.linalg.norm(mixed, axis=0)
    if not (norm > 0.0).all():
        raise GapError(f"{name} is no rotation everywhere")
    unit: F64 = mixed / norm
    return unit


def in_force(grid: Grid, command: F32, state: F64) -> F64:
    """The last command before each step's end; before the first one, where the joint stands.

    Args:
        grid: N steps over T frames.
        command: [C, T] commanded positions; NaN = none in that frame, the one before holds.
        state: [C, N] measured positions at the steps.

    Returns:
        [C, N].
    """
    frame = np.arange(command.shape[1])
    latest = np.maximum.accumulate(np.where(np.isfinite(command), frame, -1), axis=1)
    at_end = np.searchsorted(grid.t_ns, grid.end_ns, side="left") - 1
    chosen = latest[:, at_end]
    held = np.take_along_axis(command, np.maximum(chosen, 0), axis=1).astype(np.float64)
    return np.where(chosen >= 0, held, state)


def next_state(state: F64) -> F64:
    """The state one step on, at the last step its own. state: [C, N]. Returns [C, N]."""
    return np.concatenate([state[:, 1:], state[:, -1:]], axis=1)


def nearest_before(grid: Grid) -> npt.NDArray[np.intp]:
    """Index of the last frame at or before each step. Returns [N]."""
    return np.searchsorted(grid.t_ns, grid.step_ns, side="right") - 1


def _between(t_ns: I64, step_ns: I64) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], F64]:
    """Frames at either side of each step and the share of the way between; edges are held."""
    low = np.clip(np.searchsorted(t_ns, step_ns, side="right") - 1, 0, None)
    high = np.minimum(low + 1, len(t_ns) - 1)
    width = np.maximum(t_ns[high] - t_ns[low], 1)
    share = np.clip((step_ns - t_ns[low]) / width, 0.0, 1.0)
    return low, high, np.where(high == low, 0.0, share)


def _present(grid: Grid, values: F32, name: str) -> tuple[F64, Grid]:
    """The finite values of one signal, and the grid over the frames that have them."""
    finite = np.isfinite(values)
    own = values[finite].astype(np.float64)
    return (own, grid) if finite.all() else (own, _sub_grid(grid, finite, name))


def _sub_grid(grid: Grid, finite: Mask, name: str) -> Grid:
    t_ns = grid.t_ns[finite]
    if not len(t_ns):
        raise GapError(f"{name} is never there")
    # The edges of the episode are frames, too: a signal that begins late has a gap before it.
    gap = longest_gap_ns(np.concatenate([grid.t_ns[:1], t_ns, grid.t_ns[-1:]]))
    if gap > grid.max_gap_ns:
        raise GapError(f"{name} is missing for {gap / NS:.3f} s")
    return Grid(t_ns, grid.step_ns, grid.end_ns, grid.max_gap_ns)
