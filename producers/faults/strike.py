"""Where a fault strikes, and what it gives: the struck take, its joints and frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from producers.faults.take import RawTake

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Strike:
    """Where and how hard.

    Attributes:
        channel: which native channel, for a defect of one joint.
        start: first frame struck.
        stop: frame past the last.
        strength: in the fault's unit.
        rng: of what is random in it.
    """

    channel: int
    start: int
    stop: int
    strength: float
    rng: np.random.Generator

    @property
    def span(self) -> slice:
        """The frames."""
        return slice(self.start, self.stop)

    @property
    def frames(self) -> I64:
        """Their indices."""
        return np.arange(self.start, self.stop)


@dataclass(frozen=True)
class Struck:
    """A take with a defect in it, and the truth about it.

    Attributes:
        take: what the robot now sends.
        frames: indices in the session of the frames in which the defect shows.
        channels: native names of the joints it strikes; empty = the whole robot.
    """

    take: RawTake
    frames: I64
    channels: tuple[str, ...] = field(default=())


class Fault(Protocol):
    """A function that puts one defect into a take."""

    def __call__(self, take: RawTake, strike: Strike) -> Struck:
        """Strike a take."""


def on_joint(take: RawTake, strike: Strike, signal: str, values: F64, frames: I64) -> Struck:
    """A struck take in which one channel's signal is another. values: [N] SI."""
    whole = take.signal(signal)
    assert whole is not None
    whole = whole.copy()
    whole[:, strike.channel] = values
    return Struck(take.with_signal(signal, whole), frames, (take.channels[strike.channel],))


def joint_signal(take: RawTake, strike: Strike, signal: str = "position") -> F64:
    """One channel's signal, [N] SI, free to be changed."""
    whole = take.signal(signal)
    assert whole is not None
    return whole[:, strike.channel].copy()
