"""A robot's channels and bodies as the page draws them: its own joint tree, the canonical."""

from __future__ import annotations

from typing import Any

from schemas.body import COMPLEXES, DOFS, SIDES
from schemas.checks import CATALOGUE
from schemas.embodiment import Embodiment
from schemas.vendors import Vendor

Document = dict[str, Any]


def body_document(vendor: Vendor) -> Document:
    """What the page of a robot of this profile needs to know once."""
    profile, embodiment = vendor.profile, vendor.embodiment
    joints = {joint.name: joint for joint in embodiment.joints}
    channels = []
    for name, joint_name, dof in zip(
        profile.channel_names, profile.channel_joints, profile.channel_dofs, strict=True
    ):
        joint = joints.get(joint_name) if joint_name else None
        low, high = (joint.lower, joint.upper) if joint else (0.0, 1.0) if dof else (None, None)
        kind = joint.kind if joint else "share" if dof else "own"
        channels.append({"name": name, "joint": joint_name, "kind": kind, "low": low, "high": high})
    return {
        "profile": profile.id,
        "title": profile.title,
        "rate_hz": profile.rate_hz,
        "maker": embodiment.maker,
        "embodiment": embodiment.id,
        "channels": channels,
        "checks": {check.id: check.meaning for check in CATALOGUE},
        "units": {check.id: check.unit for check in CATALOGUE},
        "dofs": DOFS,
        "complexes": [
            {
                "parent": c.parent,
                "child": c.child,
                "order": c.order,
                "dofs": c.dofs,
                "signs": c.signs,
            }
            for c in COMPLEXES
        ],
        "native": _native(embodiment, profile.assume) if embodiment.kind == "full" else None,
    }


def _native(embodiment: Embodiment, assume: dict[str, float]) -> Document:
    """The joint tree with the values of joints that are not in the stream, and its segments."""
    ends = [
        {"link": pose.link, "point": pose.point_m, "segment": f"{side}_{part}"}
        for part, poses in (("hand", embodiment.hand_pose), ("foot", embodiment.foot_pose))
        for side, pose in poses.items()
        if side in SIDES
    ]
    return {
        "root": embodiment.root,
        "joints": [
            {
                "name": joint.name,
                "parent": joint.parent,
                "link": joint.link,
                "origin": joint.origin_m,
                "q": joint.q_parent_link,
                "axis": joint.axis,
                "slides": joint.kind == "prismatic",
                "value": assume.get(joint.name, 0.0),
                "neutral": embodiment.neutral.get(joint.name, 0.0),
                "mimic": None
                if joint.mimic is None
                else [joint.mimic.joint, joint.mimic.multiplier, joint.mimic.offset],
            }
            for joint in embodiment.joints
        ],
        "segments": {
            name: {
                "link": segment.link,
                "q": segment.q_link_segment,
                "key_link": segment.key_link,
                "key": segment.key_point_m,
            }
            for name, segment in embodiment.segments.items()
        },
        "ends": ends,
    }
