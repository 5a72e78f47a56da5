"""A robot as pinocchio (URDF) or mujoco (MJCF) has it: the witness that kernels are judged by."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

# What names a file or carries one, and moves nothing.
_DROPPED = (
    "sensors", "actuators", "tendons", "pairs", "excludes", "keys", "geoms", "meshes", "textures",
    "materials", "skins", "hfields", "cameras", "lights", "sites",
)  # fmt: skip


class NoWitnessError(RuntimeError):
    """The witness does not read this file; the message has its reason."""


@dataclass(frozen=True)
class Placed:
    """A robot in one pose; everything in the root link's frame, metres.

    Attributes:
        link: Frame [4, 4] of each link.
        origin, axis: [3] of each moving joint.
    """

    link: Mapping[str, F64]
    origin: Mapping[str, F64]
    axis: Mapping[str, F64]


# Joint values (rad, m), all that are not named 0 -> the robot in that pose.
Witness = Callable[[Mapping[str, float]], Placed]


def open_witness(file: Path, root: str) -> Witness:
    """The witness of a description, by its format.

    Args:
        file: URDF or MJCF.
        root: The link that frames are given in.

    Returns:
        What places the robot; NoWitnessError if the file is not read.
    """
    return _mujoco(file, root) if file.suffix == ".xml" else _pinocchio(file, root)


def _pinocchio(file: Path, root: str) -> Witness:
    import pinocchio as pin

    try:
        model = _quietly(lambda: pin.buildModelFromUrdf(str(file)))
    except (ValueError, RuntimeError) as error:
        raise NoWitnessError(f"pinocchio: {str(error).strip() or 'refused'}") from error
    if not model.existFrame(root, pin.BODY):
        raise NoWitnessError(f"pinocchio: no link {root}")
    data, top = model.createData(), model.getFrameId(root, pin.BODY)
    zero = pin.neutral(model)
    links = [(f.name, i) for i, f in enumerate(model.frames) if f.type == pin.BODY]
    local = {}
    for j in range(1, model.njoints):
        if model.joints[j].nv == 1:
            twist = pin.computeJointJacobian(model, data, zero, j)[:, model.joints[j].idx_v]
            local[model.names[j]] = j, twist[3:] if twist[3:].any() else twist[:3]

    def place(value: Mapping[str, float]) -> Placed:
        q = zero.copy()
        for name, x in value.items():
            if name not in local:
                continue
            joint = model.joints[local[name][0]]
            q[joint.idx_q : joint.idx_q + joint.nq] = x if joint.nq == 1 else (np.cos(x), np.sin(x))
        pin.framesForwardKinematics(model, data, q)
        back = data.oMf[top].inverse()
        placed = {name: (back * data.oMi[j], axis) for name, (j, axis) in local.items()}
        return Placed(
            {name: (back * data.oMf[i]).homogeneous for name, i in links},
            {name: t.translation.copy() for name, (t, _) in placed.items()},
            {name: t.rotation @ axis for name, (t, axis) in placed.items()},
        )

    return place


def _mujoco(file: Path, root: str) -> Witness:
    import mujoco

    try:
        spec = mujoco.MjSpec.from_file(str(file))
        for group in (*_DROPPED, "equalities"):
            for element in list(getattr(spec, group)):
                spec.delete(element)
        spec.compiler.boundmass, spec.compiler.boundinertia = 1e-6, 1e-9
        model = spec.compile()
    except (ValueError, mujoco.FatalError) as error:
        raise NoWitnessError(f"mujoco: {error}") from error
    data = mujoco.MjData(model)
    names = [model.body(b).name or (root if b == 1 else f"body_{b}") for b in range(model.nbody)]
    if root not in names:
        raise NoWitnessError(f"mujoco: no body {root}")
    top = names.index(root)
    joints = [(model.joint(j).name or f"joint_{j}", j) for j in range(model.njnt)]
    turning = (int(mujoco.mjtJoint.mjJNT_SLIDE), int(mujoco.mjtJoint.mjJNT_HINGE))
    joints = [(name, j) for name, j in joints if int(model.jnt_type[j]) in turning]

    # A body with several joints is several links: named by body and joint, but for the last one.
    links = []
    for b, name in enumerate(names):
        own = [joint for joint in joints if model.jnt_bodyid[joint[1]] == b]
        if not own or b == top:
            links.append((name, b, np.zeros(3), [j for _, j in own]))
        for k, (joint, j) in enumerate(own):
            last = k == len(own) - 1 and b != top
            later = [j for _, j in own[k + 1 :]]
            links.append((name if last else f"{name}/{joint}", b, model.jnt_pos[j].copy(), later))

    def place(value: Mapping[str, float]) -> Placed:
        def turn(held: list[int]) -> None:
            data.qpos[:] = model.qpos0
            for name, j in joints:
                data.qpos[model.jnt_qposadr[j]] = 0.0 if j in held else value.get(name, 0.0)
            mujoco.mj_kinematics(model, data)

        turn([j for _, j in joints if model.jnt_bodyid[j] == top])
        turned, at = data.xmat[top].reshape(3, 3).T, data.xpos[top].copy()
        link, held_before = dict[str, F64](), list[int]()
        turn(held_before)
        origin = {name: turned @ (data.xanchor[j] - at) for name, j in joints}
        axis = {name: turned @ data.xaxis[j] for name, j in joints}
        for name, b, anchor, held in links:
            if held != held_before:
                turn(held)
                held_before = held
            t = np.eye(4)
            t[:3, :3] = turned @ data.xmat[b].reshape(3, 3)
            t[:3, 3] = turned @ (data.xpos[b] + data.xmat[b].reshape(3, 3) @ anchor - at)
            link[name] = t
        return Placed(link, origin, axis)

    return place


def _quietly(read: Callable[[], Any]) -> Any:
    """Run what writes warnings to the process's stderr past Python; its error keeps its text."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        return read()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def rotation_of(quat: tuple[float, ...] | F64) -> F64:
    """Rotation matrix [3, 3] of a quaternion wxyz; not the kernels' own."""
    w, v = quat[0], np.asarray(quat[1:], dtype=np.float64)
    cross = np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])
    turned: F64 = (w * w - v @ v) * np.eye(3) + 2.0 * np.outer(v, v) + 2.0 * w * cross
    return turned / (w * w + v @ v)


def turn_of(rotation: F64) -> F64:
    """Rotation vector [3] (rad) of a rotation matrix, also near 180 degrees."""
    cross = np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    sine, cosine = 0.5 * float(np.linalg.norm(cross)), 0.5 * (float(np.trace(rotation)) - 1.0)
    if sine > 1e-9 or cosine > 0.0:
        return cross * (0.5 if sine < 1e-9 else np.arctan2(sine, cosine) / (2.0 * sine))
    axis = np.sqrt(np.maximum(0.5 * (np.diag(rotation) + 1.0), 0.0))
    return np.pi * axis


_AXIS = re.compile(r"^[+-][xyz]$")


def pelvis_axes(forward: str, up: str) -> F64:
    """Rotation root <- pelvis [3, 3] of signed axes such as "-x" and "+z"."""
    vectors = []
    for word in (forward, up):
        if not _AXIS.match(word):
            raise ValueError(f"{word!r} is no signed axis")
        vectors.append(np.eye(3)["xyz".index(word[1])] * (-1.0 if word[0] == "-" else 1.0))
    x, z = vectors
    return np.column_stack([x, np.cross(z, x), z])
