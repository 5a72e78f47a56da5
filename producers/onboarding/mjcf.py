"""Read an MJCF through mujoco, which resolves its defaults; geometry is dropped first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from producers.onboarding.description import (
    Description,
    DescriptionError,
    add_mass,
)
from producers.onboarding.guard import first_tag
from producers.onboarding.mimics import mend_mimics
from producers.onboarding.mjcf_text import moving_parts
from schemas.embodiment_parts import Joint, Mimic, Quat, Vec
from streams.kernels.frames import frame, quat_of_rotation, rotation_about, rotation_of_quat

F64 = NDArray[np.float64]

# What models that are attached bring along, and says nothing about joints.
_DROPPED = (
    "sensors", "actuators", "tendons", "pairs", "excludes", "keys", "geoms", "meshes", "textures",
    "materials", "skins", "hfields", "cameras", "lights", "sites",
)  # fmt: skip
# What the compiler gives bodies that have no mass of their own.
_NO_MASS_KG = 2e-6
# A tree bolted to the world with as many joints is an arm, not a door or a button.
_ARM_JOINTS = 4


def read_mjcf(path: Path) -> Description:
    """Read an MJCF file; raises DescriptionError where it is not one tree of hinges and slides."""
    first_tag(path)
    text, notes = moving_parts(path)
    description = _describe(path.stem, _compile(path.name, text))
    return replace(description, notes=(*description.notes, *notes))


def compile_kinematics(path: Path) -> Any:
    """Mujoco's model of a file's bodies, joints and equalities, without geometry."""
    first_tag(path)
    return _compile(path.name, moving_parts(path)[0])


def _compile(name: str, text: str) -> Any:
    try:
        spec = mujoco.MjSpec.from_string(text)
        for group in _DROPPED:
            for element in list(getattr(spec, group)):
                spec.delete(element)
        for tie in list(spec.equalities):
            # Connections that close a chain may hang on sites, and say nothing about one joint.
            if tie.type != mujoco.mjtEq.mjEQ_JOINT:
                spec.delete(tie)
        # Without geometry some bodies have no mass; it plays no part here.
        spec.compiler.boundmass, spec.compiler.boundinertia = 1e-6, 1e-9
        return spec.compile()
    except (ValueError, mujoco.FatalError) as error:
        raise DescriptionError(f"{name}: mujoco cannot read it: {error}") from error


def _describe(name: str, model: Any) -> Description:
    tops = _tops(model)
    if not tops:
        raise DescriptionError(f"{name}: no body")
    root = (model.body(tops[0]).name or name) if len(tops) == 1 else model.body(0).name
    mimics = _mimics(model)
    notes: list[str] = []
    joints: list[Joint] = []
    masses: dict[str, tuple[float, F64]] = {}
    place: dict[int, tuple[str, F64]] = {}
    frames: dict[str, tuple[str, F64]] = {}
    if len(tops) > 1:
        place[0] = frames[root] = (root, np.eye(4))
    for b in range(1, model.nbody):
        if model.body_rootid[b] not in tops:
            continue
        body = model.body(b).name or f"body_{b}"
        if [b] == tops:
            link, carried = root, np.eye(4)
        else:
            link, t_link_parent = place[int(model.body_parentid[b])]
            own = frame(rotation_of_quat(model.body_quat[b]), model.body_pos[b])
            carried = t_link_parent @ own
        first = int(model.body_jntadr[b])
        for j in range(first, first + int(model.body_jntnum[b])):
            if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_FREE:
                continue
            if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_BALL:
                notes.append(f"{_joint_name(model, j)}: a ball joint, taken as rigid")
                continue
            last = j == first + int(model.body_jntnum[b]) - 1
            anchor = frame(np.eye(3), model.jnt_pos[j])
            moved = body if last and [b] != tops else f"{body}/{_joint_name(model, j)}"
            joints.append(_joint(model, j, link, moved, carried @ anchor, mimics.get(j)))
            link, carried = moved, frame(np.eye(3), -model.jnt_pos[j])
        place[b] = frames[body] = (link, carried)
        if model.body_mass[b] > _NO_MASS_KG:
            add_mass(
                masses, link, float(model.body_mass[b]), (carried @ [*model.body_ipos[b], 1])[:3]
            )
    return mend_mimics(Description(name, root, tuple(joints), frames, masses, notes=tuple(notes)))


def _tops(model: Any) -> list[int]:
    """Top bodies of the robot: of several, those bolted to the world that are arms of their own.

    Loose objects of a scene stand beside the robot: else the robot has the most bodies below it.
    """
    tops = [b for b in range(1, model.nbody) if model.body_parentid[b] == 0]

    def joints_of(top: int) -> list[int]:
        return [j for j in range(model.njnt) if model.body_rootid[model.jnt_bodyid[j]] == top]

    bolted = [
        top
        for top in tops
        if len(joints_of(top)) >= _ARM_JOINTS
        and all(model.jnt_type[j] != mujoco.mjtJoint.mjJNT_FREE for j in joints_of(top))
    ]
    if len(bolted) > 1:
        return bolted
    return sorted(tops, key=lambda top: -int(np.count_nonzero(model.body_rootid == top)))[:1]


def _joint(
    model: Any, j: int, parent: str, link: str, t_parent_link: F64, mimic: Mimic | None
) -> Joint:
    slides = model.jnt_type[j] == mujoco.mjtJoint.mjJNT_SLIDE
    name = _joint_name(model, j)
    axis = np.array(model.jnt_axis[j])
    reference = float(model.qpos0[model.jnt_qposadr[j]])
    back = (
        frame(np.eye(3), -reference * axis)
        if slides
        else frame(rotation_about(axis, -reference), np.zeros(3))
    )
    at_zero = t_parent_link @ back
    low, high = (float(x) for x in model.jnt_range[j])
    limited = bool(model.jnt_limited[j]) and low < high
    return Joint(
        name=name,
        kind="prismatic" if slides else "revolute",
        parent=parent,
        link=link,
        origin_m=_vec(at_zero[:3, 3]),
        q_parent_link=_quat(at_zero[:3, :3]),
        axis=_vec(axis),
        lower=low if limited else None,
        upper=high if limited else None,
        effort=float(model.jnt_actfrcrange[j][1]) if model.jnt_actfrclimited[j] else None,
        mimic=mimic,
    )


def _mimics(model: Any) -> dict[int, Mimic]:
    """Equalities that tie one joint linearly to another."""
    found = {}
    for e in range(model.neq):
        follower, leader = int(model.eq_obj1id[e]), int(model.eq_obj2id[e])
        if model.eq_type[e] == mujoco.mjtEq.mjEQ_JOINT and leader >= 0:
            offset, multiplier = (float(x) for x in model.eq_data[e][:2])
            found[follower] = Mimic(_joint_name(model, leader), multiplier, offset)
    return found


def _joint_name(model: Any, j: int) -> str:
    name: str = model.joint(j).name
    return name or f"joint_{j}"


def _vec(values: F64) -> Vec:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _quat(rotation: F64) -> Quat:
    w, x, y, z = (float(v) for v in quat_of_rotation(rotation))
    return w, x, y, z
