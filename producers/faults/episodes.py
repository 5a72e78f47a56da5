"""Faults of whole episodes."""

from __future__ import annotations

import numpy as np

from producers.faults.strike import Strike, Struck
from producers.faults.take import RawTake


def stands_still(take: RawTake, strike: Strike) -> Struck:
    """Let all joints stand, but for their noise, in a share of `strength` of the take."""
    before = take.signal("position")
    assert before is not None
    still = before.copy()
    start = max(1, round((1.0 - strike.strength) * take.frames))
    noise = strike.rng.normal(0.0, 1e-4, still[start:].shape)
    still[start:] = still[start] + noise
    still[np.isnan(before)] = np.nan
    return Struck(take.with_signal("position", still), np.arange(take.frames))


def cut_short(take: RawTake, strike: Strike) -> Struck:
    """Keep the first `strength` seconds."""
    kept = max(2, round(strike.strength * take.vendor.profile.rate_hz))
    return Struck(take.rows(np.arange(kept)), np.arange(kept))
