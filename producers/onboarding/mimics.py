"""Mimic rules that cannot be followed as written: of a joint that is missing, or in a circle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from producers.onboarding.description import Description
from schemas.embodiment_parts import Joint


def mend_mimics(description: Description) -> Description:
    """The robot with only the mimic rules that end at a joint of its own, and a note for others.

    A hand that was put on a robot with a prefix before its names often kept rules without it: then
    the joint with that prefix is meant. What cannot be followed is passive.
    """
    joints = {joint.name: joint for joint in description.joints}
    kept, passive, notes = [], [], list(description.notes)
    for joint in description.joints:
        rule = joint.mimic
        if rule is not None and rule.joint not in joints:
            meant = _with_prefix(joint.name, rule.joint, joints)
            rule = None if meant is None else replace(rule, joint=meant)
        mended = replace(joint, mimic=rule)
        if joint.mimic is not None and (rule is None or not _ends(mended, joints)):
            notes.append(f"{joint.name}: mimics {joint.mimic.joint}, which cannot be followed")
            passive.append(joint.name)
            mended = replace(joint, mimic=None)
        elif joint.mimic is not None and rule is not None and rule != joint.mimic:
            notes.append(f"{joint.name}: mimics {joint.mimic.joint}, read as {rule.joint}")
        kept.append(mended)
    return replace(description, joints=tuple(kept), passive=frozenset(passive), notes=tuple(notes))


def _with_prefix(follower: str, missing: str, joints: Mapping[str, Joint]) -> str | None:
    """The joint without a rule whose name is `missing` after a beginning of the follower's."""
    for length in range(1, len(follower)):
        name = follower[:length] + missing
        if name in joints and joints[name].mimic is None:
            return name
    return None


def _ends(joint: Joint, joints: Mapping[str, Joint]) -> bool:
    """Whether following the rules from a joint arrives at one without a rule."""
    seen = {joint.name}
    while joint.mimic is not None:
        if joint.mimic.joint in seen or joint.mimic.joint not in joints:
            return False
        joint = joints[joint.mimic.joint]
        seen.add(joint.name)
    return True
