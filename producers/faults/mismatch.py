"""Faults of who is who: signs, sides, joints, units, and an IMU that is not as described."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from producers.faults.strike import F64, Strike, Struck, joint_signal, on_joint
from producers.faults.take import RawTake

_LIMB = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


def flipped_sign(take: RawTake, strike: Strike) -> Struck:
    """Turn a joint's sign, from the strike to the take's end."""
    position = joint_signal(take, strike)
    position[strike.start :] *= -1.0
    frames = np.arange(strike.start, take.frames)
    return on_joint(take, strike, "position", position, frames)


def wrong_unit(take: RawTake, strike: Strike) -> Struck:
    """Report `strength` times the position, from the strike to the take's end."""
    position = joint_signal(take, strike)
    position[strike.start :] *= strike.strength
    frames = np.arange(strike.start, take.frames)
    return on_joint(take, strike, "position", position, frames)


def permuted_joints(take: RawTake, strike: Strike) -> Struck:
    """Let a joint and the one of its limb that moves when it does, but not alike, change places."""
    own = take.channels[strike.channel]
    limb = next(limb for limb in _limbs(take) if own in limb)
    position = take.signal("position")
    assert position is not None
    # Over steps that a sparse robot's frames have, too.
    every = max(1, round(take.vendor.profile.rate_hz / 5.0))
    steps = position[every:] - position[:-every]
    struck = steps[:, [strike.channel]]
    scale = np.sqrt(np.nansum(steps * steps, axis=0) * np.nansum(struck * struck))
    together = np.nansum(np.abs(steps * struck), axis=0) - np.abs(np.nansum(steps * struck, axis=0))
    apart = together / np.maximum(scale, 1e-12)
    place = {joint: apart[take.channels.index(joint)] for joint in limb if joint != own}
    other = max(place, key=lambda joint: float(place[joint]))
    return _exchanged(take, strike, [(own, other)])


def swapped_sides(take: RawTake, strike: Strike) -> Struck:
    """Let all left and right joints change places in the state."""
    return _exchanged(take, strike, _mirror_pairs(take))


def swapped_everywhere(take: RawTake, strike: Strike) -> Struck:
    """Let all left and right joints change places in state, velocity, effort and command."""
    struck = swapped_sides(take, strike)
    for signal in ("velocity", "effort", "action"):
        if struck.take.signal(signal) is not None:
            struck = _exchanged(struck.take, strike, _mirror_pairs(take), signal)
    return struck


def _mirror_pairs(take: RawTake) -> list[tuple[str, str]]:
    body, told = take.vendor.embodiment, set(take.channels)
    return [
        pair
        for part in _LIMB
        for pair in zip(
            body.complexes[f"left_{part}"], body.complexes[f"right_{part}"], strict=False
        )
        if set(pair) <= told
    ]


def imu_scale(take: RawTake, strike: Strike) -> Struck:
    """Multiply accelerations by `strength`."""
    acceleration = _acceleration(take)
    acceleration[strike.span] *= strike.strength
    return _with_acceleration(take, strike, acceleration)


def imu_tilted(take: RawTake, strike: Strike) -> Struck:
    """Turn accelerations by `strength` rad about x."""
    acceleration = _acceleration(take)
    cos, sin = np.cos(strike.strength), np.sin(strike.strength)
    y, z = acceleration[strike.span, 1].copy(), acceleration[strike.span, 2].copy()
    acceleration[strike.span, 1] = cos * y - sin * z
    acceleration[strike.span, 2] = sin * y + cos * z
    return _with_acceleration(take, strike, acceleration)


def wrong_quaternion_order(take: RawTake, strike: Strike) -> Struck:
    """Write the orientation's numbers the other way round."""
    rotation = take.vendor.profile.base.rotation
    assert rotation is not None
    values = take.field(rotation.source)
    shift = -1 if rotation.order == "wxyz" else 1
    values[strike.span] = np.roll(values[strike.span], shift, axis=1)
    return Struck(take.with_field(rotation.source, values), strike.frames)


def _exchanged(
    take: RawTake, strike: Strike, pairs: Iterable[tuple[str, str]], signal: str = "position"
) -> Struck:
    """Joints exchanged in one signal, from the strike to the end."""
    before = take.signal(signal)
    assert before is not None
    after = before.copy()
    struck = []
    for pair in pairs:
        a, b = (take.channels.index(name) for name in pair)
        after[strike.start :, [a, b]] = before[strike.start :, [b, a]]
        struck += [take.channels[c] for c in (a, b)]
    frames = np.arange(strike.start, take.frames)
    return Struck(take.with_signal(signal, after), frames, tuple(struck))


def _limbs(take: RawTake) -> list[list[str]]:
    """Joints of each arm and leg that are in the stream, from the trunk outwards."""
    complexes, told = take.vendor.embodiment.complexes, set(take.channels)
    return [
        [joint for part in parts for joint in complexes[f"{side}_{part}"] if joint in told]
        for side in ("left", "right")
        for parts in (_LIMB[:3], _LIMB[3:])
    ]


def _acceleration(take: RawTake) -> F64:
    source = take.vendor.profile.base.acceleration
    assert source is not None
    return take.field(source)


def _with_acceleration(take: RawTake, strike: Strike, values: F64) -> Struck:
    source = take.vendor.profile.base.acceleration
    assert source is not None
    return Struck(take.with_field(source, values), strike.frames)
