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
Index = npt.NDArray[np.intp]

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
        low, high: [N] the frames at either side of each step; the edges are held.
        share: [N] how far on the way from the one to the other.
    """

    t_ns: I64
    step_ns: I64
    end_ns: I64
    max_gap_ns: int
    low: Index
    high: Index
    share: F64

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
    return _grid(t_ns, edges[:count], edges[1:], max_gap_ns)


def longest_gap_ns(t_ns: I64) -> int:
    """The longest time between two neighbouring frames; 0 of a single one."""
    return int(np.diff(t_ns).max()) if len(t_ns) > 1 else 0


def linear(grid: Grid, values: F32, name: str) -> F64:
    """Straight lines between neighbouring frames. values: [C, T]; NaN = not there. Returns [C, N].

    A value that is missing is bridged like a missing frame.
    """
    out = np.empty((len(values), grid.steps))
    whole = np.isfinite(values).all(axis=1)
    if whole.all():
        _on_lines(grid, values, out)
        return out
    if whole.any():
        out[whole] = _on_lines(grid, values[whole], np.empty((whole.sum(), grid.steps)))
    for c in np.flatnonzero(~whole):
        own, own_grid = _present(grid, values[c], f"{name} {c}")
        _on_lines(own_grid, own[None], out[c : c + 1])
    return out


def _on_lines(grid: Grid, values: F32, out: F64) -> F64:
    start, end = np.take(values, grid.low, axis=1), np.take(values, grid.high, axis=1)
    np.subtract(end, start, out=out, dtype=np.float64)
    out *= grid.share
    out += start
    return out


def angular(grid: Grid, angle: F32, name: str) -> F64:
    """As `linear`, the shorter way around. angle: [C, T] rad. Returns [C, N] in (−π, π]."""
    out = np.empty((len(angle), grid.steps))
    whole = np.isfinite(angle).all(axis=1)
    if whole.any():
        out[whole] = _around(grid, angle[whole])
    for c in np.flatnonzero(~whole):
        own, own_grid = _present(grid, angle[c], f"{name} {c}")
        out[c] = _around(own_grid, own[None])[0]
    return out


def _around(grid: Grid, angle: F32) -> F64:
    start = np.take(angle, grid.low, axis=1).astype(np.float64)
    turn = np.take(angle, grid.high, axis=1) - start
    turn -= 2 * np.pi * np.round(turn / (2 * np.pi))
    moved: F64 = start + turn * grid.share
    return np.where(np.abs(moved) > np.pi, moved - 2 * np.pi * np.sign(moved), moved)


def rotations(grid: Grid, quaternion: F32, name: str) -> F64:
    """Normalised linear interpolation the shorter way. quaternion: [4, T] wxyz. Returns [4, N]."""
    finite = np.logical_and.reduce(np.isfinite(quaternion), axis=0)
    own_grid, own = grid, quaternion
    if not finite.all():
        own_grid, own = _sub_grid(grid, finite, name), quaternion[:, finite]
    start = np.take(own, own_grid.low, axis=1).astype(np.float64)
    end = np.take(own, own_grid.high, axis=1).astype(np.float64)
    same_way = np.where(np.einsum("qn,qn->n", start, end) < 0.0, -1.0, 1.0)
    mixed = start * (1.0 - own_grid.share) + end * (same_way * own_grid.share)
    norm = np.sqrt(np.einsum("qn,qn->n", mixed, mixed))
    if not (norm > 0.0).all():
        raise GapError(f"{name} is no rotation everywhere")
    mixed /= norm
    return mixed


def in_force(grid: Grid, command: F32, state: F64) -> F64:
    """The last command before each step's end; before the first one, where the joint stands.

    Args:
        grid: N steps over T frames.
        command: [C, T] commanded positions; NaN = none in that frame, the one before holds.
        state: [C, N] measured positions at the steps.

    Returns:
        [C, N].
    """
    at_end = np.searchsorted(grid.t_ns, grid.end_ns, side="left") - 1
    there = np.isfinite(command)
    if there.all() and len(at_end) and at_end[0] >= 0:
        return np.take(command, at_end, axis=1).astype(np.float64)
    latest = np.maximum.accumulate(np.where(there, np.arange(command.shape[1]), -1), axis=1)
    chosen = latest[:, at_end]
    held = np.take_along_axis(command, np.maximum(chosen, 0), axis=1).astype(np.float64)
    return np.where(chosen >= 0, held, state)


def next_state(state: F64) -> F64:
    """The state one step on, at the last step its own. state: [C, N]. Returns [C, N]."""
    return np.concatenate([state[:, 1:], state[:, -1:]], axis=1)


def _grid(t_ns: I64, step_ns: I64, end_ns: I64, max_gap_ns: int) -> Grid:
    low = np.clip(np.searchsorted(t_ns, step_ns, side="right") - 1, 0, None)
    high = np.minimum(low + 1, len(t_ns) - 1)
    width = np.maximum(t_ns[high] - t_ns[low], 1)
    share = np.clip((step_ns - t_ns[low]) / width, 0.0, 1.0)
    share[high == low] = 0.0
    return Grid(t_ns, step_ns, end_ns, max_gap_ns, low, high, share)


def _present(grid: Grid, values: F32, name: str) -> tuple[F32, Grid]:
    """The finite values of one signal, and the grid over the frames that have them."""
    finite = np.isfinite(values)
    return values[finite], _sub_grid(grid, finite, name)


def _sub_grid(grid: Grid, finite: Mask, name: str) -> Grid:
    t_ns = grid.t_ns[finite]
    if not len(t_ns):
        raise GapError(f"{name} is never there")
    # The edges of the episode are frames, too: a signal that begins late has a gap before it.
    gap = longest_gap_ns(np.concatenate([grid.t_ns[:1], t_ns, grid.t_ns[-1:]]))
    if gap > grid.max_gap_ns:
        raise GapError(f"{name} is missing for {gap / NS:.3f} s")
    return _grid(t_ns, grid.step_ns, grid.end_ns, grid.max_gap_ns)
