"""Faults of single joints: what a sensor, a bus or a motor does wrong."""

from __future__ import annotations

import numpy as np

from producers.faults.strike import F64, Strike, Struck, joint_signal, on_joint
from producers.faults.take import RawTake
from schemas.checks import BY_ID
from schemas.embodiment_parts import Joint


def no_number(take: RawTake, strike: Strike) -> Struck:
    """Report NaN."""
    position = joint_signal(take, strike)
    position[strike.span] = np.nan
    return on_joint(take, strike, "position", position, strike.frames)


def beyond_limit(take: RawTake, strike: Strike) -> Struck:
    """Report positions `strength` beyond the upper limit."""
    position = joint_signal(take, strike)
    position[strike.span] = _upper(take, strike) + strike.strength
    return on_joint(take, strike, "position", position, strike.frames)


def too_fast(take: RawTake, strike: Strike) -> Struck:
    """Dash there and back at `strength` times the limit of speed, once a second."""
    step = strike.strength * _fastest(take, strike) / take.vendor.profile.rate_hz
    second = max(6, round(take.vendor.profile.rate_hz))
    there = strike.frames[:-second:second]
    back = there + second // 2
    position = joint_signal(take, strike)
    for start, stop in zip(there, back, strict=True):
        position[start:stop] += step
    return on_joint(take, strike, "position", position, np.concatenate([there, back]))


def too_hard(take: RawTake, strike: Strike) -> Struck:
    """Turn round at `strength` rad/s^2, after every four frames."""
    period_s = 1.0 / take.vendor.profile.rate_hz
    speed = 0.5 * (strike.strength + 0.008 / period_s**2) * period_s
    phase = (strike.frames - strike.start) % 8
    position = joint_signal(take, strike)
    position[strike.span] += speed * period_s * np.minimum(phase, 8 - phase)
    turns = strike.frames[(phase == 5) | ((phase == 1) & (strike.frames > strike.start + 1))]
    return on_joint(take, strike, "position", position, turns)


def spikes(take: RawTake, strike: Strike) -> Struck:
    """Add `strength` rad to one frame every two seconds."""
    at = strike.frames[:: max(2, round(2.0 * take.vendor.profile.rate_hz))]
    position = joint_signal(take, strike)
    position[at] += strike.strength
    return on_joint(take, strike, "position", position, at)


def encoder_wrap(take: RawTake, strike: Strike) -> Struck:
    """Add `strength` whole turns."""
    position = joint_signal(take, strike)
    position[strike.span] += 2.0 * np.pi * strike.strength
    return on_joint(take, strike, "position", position, np.array([strike.start, strike.stop]))


def saturated(take: RawTake, strike: Strike) -> Struck:
    """Stand at the upper limit, told to go `strength` rad further."""
    upper = _upper(take, strike)
    position, action = joint_signal(take, strike), joint_signal(take, strike, "action")
    position[strike.span] = upper
    action[strike.span] = upper + np.linspace(0.0, strike.strength, len(strike.frames))
    struck = on_joint(take, strike, "action", action, strike.frames)
    return on_joint(struck.take, strike, "position", position, strike.frames)


def chatter(take: RawTake, strike: Strike) -> Struck:
    """Tremble by `strength` rad to each side, about 20 times a second."""
    half = max(1, round(take.vendor.profile.rate_hz / 24.0))
    position = joint_signal(take, strike)
    side = 1.0 - 2.0 * ((strike.frames // half) % 2)
    position[strike.span] += strike.strength * side
    return on_joint(take, strike, "position", position, strike.frames)


def noisier(take: RawTake, strike: Strike) -> Struck:
    """Add white noise of `strength` rad."""
    position = joint_signal(take, strike)
    position[strike.span] += strike.rng.normal(0.0, strike.strength, len(strike.frames))
    return on_joint(take, strike, "position", position, strike.frames)


def coarse(take: RawTake, strike: Strike) -> Struck:
    """Round to steps of `strength` rad."""
    position = joint_signal(take, strike)
    position[strike.span] = np.round(position[strike.span] / strike.strength) * strike.strength
    return on_joint(take, strike, "position", position, strike.frames)


def frozen(take: RawTake, strike: Strike) -> Struck:
    """Repeat the value of the strike's first frame."""
    position = joint_signal(take, strike)
    position[strike.span] = position[strike.start]
    return on_joint(take, strike, "position", position, strike.frames[1:])


def missing_field(take: RawTake, strike: Strike) -> Struck:
    """Leave the value out of the message (JSON: null)."""
    return no_number(take, strike)


def command_beyond_limit(take: RawTake, strike: Strike) -> Struck:
    """Command `strength` rad beyond the upper limit."""
    action = joint_signal(take, strike, "action")
    action[strike.span] = _upper(take, strike) + strike.strength
    return on_joint(take, strike, "action", action, strike.frames)


def overload(take: RawTake, strike: Strike) -> Struck:
    """Report `strength` times the limit of effort."""
    limit = _joint(take, strike).effort
    assert limit is not None
    effort = joint_signal(take, strike, "effort")
    effort[strike.span] = strike.strength * limit
    return on_joint(take, strike, "effort", effort, strike.frames)


def not_following(take: RawTake, strike: Strike) -> Struck:
    """Drift `strength` rad away from the command within a second, and stay there."""
    return on_joint(take, strike, "position", _ramped(take, strike, 1.0), strike.frames)


def zero_moved(take: RawTake, strike: Strike) -> Struck:
    """Shift every position by `strength` rad."""
    return on_joint(take, strike, "position", _ramped(take, strike, 0.0), strike.frames)


def _ramped(take: RawTake, strike: Strike, seconds: float) -> F64:
    position = joint_signal(take, strike)
    ramp = max(1.0, seconds * take.vendor.profile.rate_hz)
    share = np.minimum((strike.frames - strike.start + 1) / ramp, 1.0)
    position[strike.span] -= strike.strength * share
    return position


def _joint(take: RawTake, strike: Strike) -> Joint:
    body = take.vendor.embodiment
    return body.joints[body.joint_index[take.channels[strike.channel]]]


def _upper(take: RawTake, strike: Strike) -> float:
    upper = _joint(take, strike).upper
    assert upper is not None
    return upper


def _fastest(take: RawTake, strike: Strike) -> float:
    return _joint(take, strike).velocity or BY_ID["velocity_limit"].least
