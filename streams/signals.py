"""Which signals a robot gives: what its checks and proofs may rest on."""

from __future__ import annotations

from schemas.embodiment import Embodiment
from schemas.profile import Encoding, Layout, Profile


def has_hand_action(profile: Profile, embodiment: Embodiment) -> bool:
    """Whether any joint of a hand is commanded."""
    fingers = {f.joint for hand in embodiment.hands.values() for f in hand.joints}
    return any(
        group.action is not None and (group.dofs or fingers & set(group.joints))
        for group in profile.groups
    )


def stands_on_feet(embodiment: Embodiment) -> bool:
    """Whether it has two legs with soles, and its base is the link that carries the pelvis."""
    return (
        embodiment.kind == "full"
        and embodiment.segments["pelvis"].link == embodiment.root
        and embodiment.foot_pose.keys() == {"left", "right"}
        and all(embodiment.complexes[f"{side}_ankle"] for side in ("left", "right"))
    )


def signals_of(profile: Profile, embodiment: Embodiment) -> frozenset[str]:
    """Names of the signals, as the check catalogue's `needs` call them."""
    joints = {joint.name: joint for joint in embodiment.joints}
    own = [joints[name] for name in profile.channel_joints if name is not None]
    found = {"position"}
    if profile.clock.field is not None:
        found.add("clock")
        found.add(f"{profile.clock.epoch}_clock")
    for signal in ("velocity", "effort", "action", "temperature"):
        if any(getattr(group, signal) is not None for group in profile.groups):
            found.add(signal)
    for name in ("position", "rotation", "angular_velocity", "acceleration"):
        if getattr(profile.base, name) is not None:
            found.add(f"base_{name}")
    # An upright robot's wxyz, read as xyzw, stands on its head; its xyzw, read as wxyz, only looks
    # back, and gravity does not show it.
    if profile.base.rotation is not None and profile.base.rotation.order == "xyzw":
        found.add("quaternion_xyzw")
    if any(embodiment.complexes[f"left_{part}"] for part in ("shoulder", "hip")):
        found.add("two_sides")
    if profile.layout is not Layout.SPARSE:
        found.add("whole_frames")
    if profile.controller is not None:
        found |= {"controller_mode"} | ({"stop_mode"} if profile.controller.stopped else set())
    if profile.hand_position.left or profile.hand_position.right:
        found.add("hand_position")
    if has_hand_action(profile, embodiment):
        found.add("hand_action")
    null = profile.encoding is Encoding.JSON
    found.add("null_is_missing" if null else "numbers_may_be_nan")
    if profile.base.imu_in_base:
        found.add("imu_in_base")
    if profile.native_rate_hz is not None:
        found.add("native_rate")
    if any(joint.lower is not None and joint.upper is not None for joint in own):
        found.add("position_limits")
    if any(joint.effort for joint in own):
        found.add("effort_limits")
    if embodiment.kind == "full":
        found.add("geometry")
    if stands_on_feet(embodiment):
        found.add("two_feet")
    return frozenset(found)
