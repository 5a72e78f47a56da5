"""Faults of the body as a whole: delays, hands, gyroscope, heat, what a robot says of itself."""

from __future__ import annotations

import numpy as np

from producers.faults.strike import F64, Strike, Struck, joint_signal, on_joint
from producers.faults.take import RawTake
from streams.session_plan import HandPlan, hand_plan

SIDES = ("left", "right")


def gyro_bias(take: RawTake, strike: Strike) -> Struck:
    """Add `strength` rad/s about z to the gyroscope."""
    source = take.vendor.profile.base.angular_velocity
    assert source is not None
    rates = take.field(source)
    rates[strike.span, 2] += strike.strength
    return Struck(take.with_field(source, rates), strike.frames)


def late_joints(take: RawTake, strike: Strike) -> Struck:
    """Let all joints follow their commands `strength` s later than they do."""
    return _delayed(take, strike, "position")


def late_velocity(take: RawTake, strike: Strike) -> Struck:
    """Report velocities that are `strength` s old."""
    return _delayed(take, strike, "velocity")


def overheated(take: RawTake, strike: Strike) -> Struck:
    """Report a motor at `strength` degrees Celsius."""
    heat = joint_signal(take, strike, "temperature")
    heat[strike.span] = strike.strength
    return on_joint(take, strike, "temperature", heat, strike.frames)


def stopped(take: RawTake, strike: Strike) -> Struck:
    """Report an emergency stop."""
    controller = take.vendor.profile.controller
    assert controller is not None
    return Struck(_in_mode(take, strike, controller.stopped[0]), strike.frames)


def mode_changed(take: RawTake, strike: Strike) -> Struck:
    """Go to mode `strength` and back."""
    return Struck(_in_mode(take, strike, strike.strength), np.array([strike.start, strike.stop]))


def hand_frozen(take: RawTake, strike: Strike) -> Struck:
    """Repeat the positions that a hand had when it was told to close furthest."""
    side, hands = _hand(take)
    position, action = _signal(take, "position"), _signal(take, "action")
    part = slice(hands.start[side], hands.start[side + 1])
    own = hands.channel[part]
    told = np.sum((action[strike.span, own] - hands.opened[part]) / _span(hands)[part], axis=1)
    position[strike.span, own] = position[strike.start + int(np.argmax(told)), own]
    frames = strike.frames[1:]
    return Struck(take.with_signal("position", position), frames, (f"{SIDES[side]}_hand",))


def hand_stuck(take: RawTake, strike: Strike) -> Struck:
    """Let a hand stay closed, trembling by `strength` of its closing, whatever it is told."""
    side, hands = _hand(take)
    position, action = _signal(take, "position"), _signal(take, "action")
    part = slice(hands.start[side], hands.start[side + 1])
    own, opened, span = hands.channel[part], hands.opened[part], _span(hands)[part]
    share = 1.0 - strike.strength * strike.rng.random((len(strike.frames), len(own)))
    position[strike.span, own] = opened + share * span
    told = np.mean((action[:, own] - opened) / span, axis=1)
    frames = strike.frames[told[strike.span] < 0.3]
    return Struck(take.with_signal("position", position), frames, (f"{SIDES[side]}_hand",))


def other_model(take: RawTake, strike: Strike) -> Struck:
    """Let six joints report positions `strength` rad beyond their limits: another robot's zeros."""
    position = _signal(take, "position")
    joints = {joint.name: joint for joint in take.vendor.embodiment.joints}
    own = [joints.get(name) if name else None for name in take.vendor.profile.channel_joints]
    body = {j for chain in take.vendor.embodiment.complexes.values() for j in chain}
    moved = [c for c, j in enumerate(own) if j and j.name in body and j.upper is not None][:6]
    for c in moved:
        joint = own[c]
        assert joint is not None
        assert joint.upper is not None
        lift = joint.upper + strike.strength - np.nanmin(position[strike.start :, c])
        position[strike.start :, c] += lift
    frames = np.arange(strike.start, take.frames)
    return Struck(take.with_signal("position", position), frames)


def hand_elsewhere(take: RawTake, strike: Strike) -> Struck:
    """Let the robot place its left hand `strength` times as far away as it is."""
    source = take.vendor.profile.hand_position.left
    assert source is not None
    values = take.field(source)
    values[strike.start :] *= strike.strength
    frames = np.arange(strike.start, take.frames)
    return Struck(take.with_field(source, values), frames, ("left_hand",))


def sliding(take: RawTake, strike: Strike) -> Struck:
    """Let the base move on at `strength` m/s for a while, whatever the legs do."""
    source = take.vendor.profile.base.position
    assert source is not None
    places = take.field(source)
    step = strike.strength / take.vendor.profile.rate_hz
    places[strike.start :, 0] += step * np.minimum(
        np.arange(1, take.frames - strike.start + 1), strike.stop - strike.start
    )
    return Struck(take.with_field(source, places), strike.frames)


def _delayed(take: RawTake, strike: Strike, signal: str) -> Struck:
    values = _signal(take, signal)
    late = max(1, round(strike.strength * take.vendor.profile.rate_hz))
    before = np.concatenate([np.repeat(values[:1], late, axis=0), values[:-late]])
    values[strike.start :] = before[strike.start :]
    frames = np.arange(strike.start, take.frames)
    return Struck(take.with_signal(signal, values), frames)


def _in_mode(take: RawTake, strike: Strike, mode: float) -> RawTake:
    controller = take.vendor.profile.controller
    assert controller is not None
    values = take.field(controller.mode)
    values[strike.span] = mode
    return take.with_field(controller.mode, values)


def _hand(take: RawTake) -> tuple[int, HandPlan]:
    """The side whose hand is told most, and the hands' channels."""
    hands = hand_plan(take.vendor.profile, take.vendor.embodiment)
    assert hands is not None
    return int(np.argmax(np.ptp(told_hands(take), axis=0))), hands


def told_hands(take: RawTake) -> F64:
    """Share of closing that each hand is told to have, [N, 2]; 0 for one that is not commanded."""
    hands = hand_plan(take.vendor.profile, take.vendor.embodiment)
    assert hands is not None
    share = (_signal(take, "action")[:, hands.channel] - hands.opened) / _span(hands)
    second = hands.start[1]
    parts = (share[:, :second], share[:, second:])
    return np.stack([p.mean(axis=1) if p.shape[1] else np.zeros(len(p)) for p in parts], axis=1)


def _span(hands: HandPlan) -> F64:
    return hands.closed - hands.opened


def _signal(take: RawTake, signal: str) -> F64:
    values = take.signal(signal)
    assert values is not None
    return values.copy()
