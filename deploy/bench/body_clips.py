"""Real motion as truth: one human walk on several robots, and link positions someone recorded."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bench.body_truth import Subject, on_body
from schemas.body import DOF_INDEX, SEGMENT_INDEX
from streams.body_plan import canonicalise, compile_plan

F64 = NDArray[np.float64]

# The walk's files: the robot of the collection, and its joints as the file names them, one leg.
_OPENSIM = {
    "hip_pitch": "hip_flexion_{s}", "hip_roll": "hip_adduction_{s}", "hip_yaw": "hip_rotation_{s}",
    "knee": "knee_angle_{s}", "ankle_pitch": "ankle_angle_{s}",
}  # fmt: skip
_TALOS = {
    "hip_yaw": "leg_{side}_1_joint", "hip_roll": "leg_{side}_2_joint",
    "hip_pitch": "leg_{side}_3_joint", "knee": "leg_{side}_4_joint",
    "ankle_pitch": "leg_{side}_5_joint",
}  # fmt: skip
_UNITREE = {
    part: f"{{side}}_{part}_joint"
    for part in ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch")
}
_G1 = _UNITREE | {"ankle_roll": "{side}_ankle_roll_joint"}
_H1 = _UNITREE | {"ankle_pitch": "{side}_ankle_joint"}
WALK: Mapping[str, tuple[str, Mapping[str, str], Mapping[str, str]]] = {
    "unitree/h1": ("UnitreeH1", _OPENSIM, _H1),
    "pal/talos_full_v2": ("TALOS", _OPENSIM, _TALOS),
    "unitree/g1_29dof_rev_1_0": ("UnitreeG1", _G1, _G1),
}
_DOFS = ("hip_flexion", "hip_abduction", "hip_rotation", "knee_flexion", "ankle_dorsiflexion")
_AGREE_DEG = 3.0
RECORDED = "unitree/g1_29dof_rev_1_0"


def walk_agreement(recordings: Path, subjects: Mapping[str, Subject]) -> dict[str, Any]:
    """Canonical leg angles of one human walk on several robots, frame by frame.

    Returns:
        By pair of robots: by DoF (both legs) the rms difference, what is left of it when each
        robot's mean is taken out, the difference of the joint values as recorded (deg), and, where
        the angles differ by more than 3 deg, why.
    """
    angles, native = {}, {}
    for name, (suffix, keys, joints) in WALK.items():
        file = np.load(recordings / f"loco_mujoco/02-constspeed_{suffix}.npz")
        held = {
            joint.format(side=side): file["q_" + keys[part].format(s=side[0], side=side)]
            for side in ("left", "right")
            for part, joint in joints.items()
        }
        robot = subjects[name].robot
        plan = compile_plan(robot, list(held), [None] * len(held), {})
        body = canonicalise(plan, np.column_stack(list(held.values())), None)
        for side in ("left", "right"):
            for dof, part in zip(_DOFS, _UNITREE, strict=True):
                angles[name, side, dof] = body.angle[:, DOF_INDEX[f"{side}_{dof}"]].astype(float)
                native[name, side, dof] = held[joints[part].format(side=side)]
    found: dict[str, Any] = {}
    for one, other in combinations(WALK, 2):
        row: dict[str, dict[str, Any]] = {}
        for dof in _DOFS:
            differ = np.concatenate(
                [angles[one, s, dof] - angles[other, s, dof] for s in ("left", "right")]
            )
            centred = np.concatenate([part - part.mean() for part in np.split(differ, 2)])
            given = np.concatenate(
                [native[one, s, dof] - native[other, s, dof] for s in ("left", "right")]
            )
            row[dof] = {
                "rms_deg": _rms_deg(differ),
                "rms_without_means_deg": _rms_deg(centred),
                "recorded_rms_deg": _rms_deg(given),
            }
            if row[dof]["rms_deg"] > _AGREE_DEG:
                row[dof]["reason"] = _reason(subjects, one, other, dof, row[dof])
        found[f"{one} | {other}"] = row
    return found


def recorded_links(recordings: Path, subject: Subject) -> dict[str, Any]:
    """Key points beside link positions that another project recorded with its G1 (TWIST2).

    The file has link origins without their turn: what is compared is each key point's distance to
    the recorded origin of the link that carries it, which the description fixes.

    Returns:
        Largest deviation (m), in all and by segment.
    """
    file = np.load(recordings / "twist2_g1/0807_yanjie_walk_001.npz")
    place = {str(name): i for i, name in enumerate(file["link_body_list"])}
    body = on_body(subject, file["dof_pos"].astype(np.float64))
    robot, found = subject.robot, {}
    origin = file["local_body_pos"].astype(np.float64)
    pelvis = np.array(robot.segments["pelvis"].key_point_m)
    for name, s in robot.segments.items():
        if s.key_link not in place or name == "pelvis":
            continue
        key = body.key_position_m[:, SEGMENT_INDEX[name]] + pelvis
        distance = np.linalg.norm(key - origin[:, place[s.key_link]], axis=1)
        expected = float(np.linalg.norm(s.key_point_m))
        found[name] = float(np.abs(distance - expected).max())
    return {"frames": len(origin), "largest_m": max(found.values()), "by_segment_m": found}


def _reason(
    subjects: Mapping[str, Subject], one: str, other: str, dof: str, row: Mapping[str, Any]
) -> str:
    """The geometry behind a difference: where each robot's centres stand in line."""
    part = dict(zip(_DOFS, _UNITREE, strict=True))[dof]
    straight = [
        np.degrees(subjects[name].robot.neutral[WALK[name][2][part].format(side="left")])
        for name in (one, other)
    ]
    apart = abs(float(straight[0] - straight[1]))
    if apart > 0.5 * row["rms_deg"]:
        return (
            f"the joint stands at {straight[0]:.1f} and {straight[1]:.1f} deg where hip, knee and "
            f"ankle centres are in line and the foot is level: {apart:.1f} deg of zero apart"
        )
    if row["recorded_rms_deg"] > 0.5 * row["rms_deg"]:
        return "the clip itself was made with other joint values for the two robots"
    return "not explained by neutral poses or by the clip"


def _rms_deg(values: F64) -> float:
    return round(float(np.degrees(np.sqrt(np.mean(np.square(values))))), 3)
