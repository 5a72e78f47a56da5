"""Faults of time: frames lost, doubled, held, and stamps that are wrong."""

from __future__ import annotations

import numpy as np

from producers.faults.strike import Strike, Struck
from producers.faults.take import I64, RawTake


def removed_frames(take: RawTake, strike: Strike) -> Struck:
    """Cut `strength` seconds out of what the robot recorded."""
    count = round(strike.strength * take.vendor.profile.rate_hz)
    rows = np.delete(np.arange(take.frames), np.s_[strike.start : strike.start + count])
    return Struck(take.rows(rows), np.array([strike.start]))


def lost_chunks(take: RawTake, strike: Strike) -> Struck:
    """Lose `strength` seconds between the robot and the log."""
    count = round(strike.strength * take.vendor.profile.rate_hz)
    rows = np.delete(np.arange(take.frames), np.s_[strike.start : strike.start + count])
    return Struck(take.rows(rows, take.index[rows]), np.array([strike.start + count]))


def frame_loss(take: RawTake, strike: Strike) -> Struck:
    """Lose a share of `strength` of single frames."""
    every = max(3, round(1.0 / strike.strength))
    lost = strike.frames[every // 2 :: every]
    rows = np.delete(np.arange(take.frames), lost)
    return Struck(take.rows(rows), np.arange(strike.start, strike.stop - len(lost)))


def jittered_stamps(take: RawTake, strike: Strike) -> Struck:
    """Hold every third stamp up, by `strength` periods more than a usual step."""
    share = (1.0 - strike.strength / 2.0) / 1.0
    steps = np.ones(take.frames)
    steps[strike.span] = share
    steps[strike.start : strike.stop : 3] = 1.0 + strike.strength
    return Struck(_at(take, np.cumsum(steps) - steps[0]), strike.frames[::3])


def duplicate_stamps(take: RawTake, strike: Strike) -> Struck:
    """Give every `strength`-th frame the stamp of the one before."""
    stamps = _stamps(take)
    doubled = strike.frames[:: round(strike.strength)]
    stamps[doubled] = stamps[doubled - 1]
    return Struck(take.with_stamps(stamps), doubled)


def swapped_frames(take: RawTake, strike: Strike) -> Struck:
    """Let every `strength`-th frame change places with the next."""
    rows = np.arange(take.frames)
    first = strike.frames[: -1 : round(strike.strength)]
    rows[first], rows[first + 1] = first + 1, first.copy()
    return Struck(take.rows(rows), first + 1)


def bursts(take: RawTake, strike: Strike) -> Struck:
    """Stamp frames when a buffer of `strength` of them is full."""
    size = round(strike.strength)
    steps = np.ones(take.frames)
    steps[strike.span] = 0.01
    heads = strike.frames[::size]
    steps[heads] = size - 0.01 * (size - 1)
    close = np.setdiff1d(strike.frames, heads)
    return Struck(_at(take, np.cumsum(steps) - steps[0]), close)


def stale_frames(take: RawTake, strike: Strike) -> Struck:
    """Repeat a frame's values under fresh stamps, `strength` frames of each that is new."""
    kept = np.arange(take.frames)
    size = round(strike.strength) + 1
    kept[strike.span] -= (strike.frames - strike.start) % size
    repeats = strike.frames[(strike.frames - strike.start) % size != 0]
    stale = take.rows(kept)
    stamps = take.stamp_ns
    return Struck(stale if stamps is None else stale.with_stamps(stamps), repeats)


def wrong_rate(take: RawTake, strike: Strike) -> Struck:
    """Stretch time by a factor of `strength`, from the strike to the take's end."""
    stamps = _stamps(take)
    begin = stamps[strike.start]
    later = stamps[strike.start :]
    stamps[strike.start :] = begin + np.rint((later - begin) * strike.strength).astype(np.int64)
    return Struck(take.with_stamps(stamps), np.arange(strike.start, take.frames))


def wrong_clock_unit(take: RawTake, strike: Strike) -> Struck:
    """Let the clock count in units `strength` times as fine, all along."""
    stamps = _stamps(take)
    wrong = stamps[0] + np.rint((stamps - stamps[0]) * strike.strength).astype(np.int64)
    return Struck(take.with_stamps(wrong), np.arange(1, take.frames))


def _stamps(take: RawTake) -> I64:
    stamps = take.stamp_ns
    assert stamps is not None
    return stamps.copy()


def _at(take: RawTake, periods: np.ndarray) -> RawTake:
    """A take stamped at these multiples of its nominal period. periods: [N]."""
    period_ns = 1e9 / take.vendor.profile.rate_hz
    return take.with_stamps(_stamps(take)[0] + np.rint(periods * period_ns).astype(np.int64))
