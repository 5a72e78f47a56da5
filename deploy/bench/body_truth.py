"""Is the canonical body of a robot true? Kinematics, neutral pose and axes beside a witness."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bench.body_witness import Placed, Witness, pelvis_axes, rotation_of, turn_of
from schemas.body import COMPLEXES, DOF_INDEX, HAND_DOF_START, SEGMENT_INDEX, Status, dof_axis
from schemas.embodiment import Embodiment
from streams.body_plan import BodyPlan, CanonicalBody, canonicalise, compile_plan

F64 = NDArray[np.float64]

_TURN_RAD = 0.3
# A joint without limits is tried this far either way.
_FREE_RAD = 1.5
# DoFs may lean this far from the table's axis where the robot's own hinges do.
SQUARE_DEG = 0.1


@dataclass(frozen=True)
class Subject:
    """A robot to be judged: its embodiment, its plan for a stream of all motors, its witness."""

    robot: Embodiment
    witness: Witness
    motors: tuple[str, ...]
    lower: F64
    upper: F64
    plan: BodyPlan


def make_subject(robot: Embodiment, witness: Witness) -> Subject:
    """Compile a robot's plan; joints without limits get ±1.5 rad."""
    joints = [j for j in robot.joints if j.mimic is None]
    names = tuple(j.name for j in joints)
    return Subject(
        robot,
        witness,
        names,
        np.array([-_FREE_RAD if j.lower is None else j.lower for j in joints]),
        np.array([_FREE_RAD if j.upper is None else j.upper for j in joints]),
        compile_plan(robot, names, [None] * len(names), {}),
    )


def on_body(subject: Subject, position: F64) -> CanonicalBody:
    """Canonical body of poses [T, J] of the motors."""
    return canonicalise(subject.plan, position, None)


def place(subject: Subject, position: F64) -> Placed:
    """The witness's pose for values [J] of the motors; followers by their rule."""
    given = dict(zip(subject.motors, map(float, position), strict=True))
    return subject.witness(with_mimics(subject.robot, given))


def with_mimics(robot: Embodiment, given: Mapping[str, float]) -> dict[str, float]:
    """Values of all joints from those of the motors."""
    joints = {j.name: j for j in robot.joints}

    def value(name: str) -> float:
        mimic = joints[name].mimic
        if mimic is None:
            return float(given[name])
        return mimic.multiplier * value(mimic.joint) + mimic.offset

    return {name: value(name) for name in joints}


def random_poses(subject: Subject, count: int, seed: int, share: float = 1.0) -> F64:
    """Poses [T, J] spread over a share of the limits."""
    rng = np.random.default_rng(seed)
    middle, half = 0.5 * (subject.upper + subject.lower), 0.5 * (subject.upper - subject.lower)
    spread = rng.uniform(-share, share, (count, len(middle)))
    found: F64 = middle + spread * half
    return found


def kinematics_error(subject: Subject, poses: int = 10) -> dict[str, float]:
    """Largest difference to the witness over random poses: key points (m), segments (rad).

    Beyond what the constants of the embodiment say (they are used on both sides), this is forward
    kinematics from root to every segment, relative to the pelvis.
    """
    robot = subject.robot
    axes = pelvis_axes(robot.forward, robot.up)
    position = random_poses(subject, poses, seed=1)
    body = on_body(subject, position)
    metres = turned = 0.0
    for t in range(poses):
        seen = place(subject, position[t])
        pelvis = robot.segments["pelvis"]
        base = seen.link[pelvis.link][:3, :3] @ rotation_of(pelvis.q_link_segment)
        origin = _point(seen, pelvis.key_link, pelvis.key_point_m)
        for name, s in robot.segments.items():
            i = SEGMENT_INDEX[name]
            key = base.T @ (_point(seen, s.key_link, s.key_point_m) - origin)
            metres = max(metres, float(np.linalg.norm(body.key_position_m[t, i] - key)))
            own = base.T @ seen.link[s.link][:3, :3] @ rotation_of(s.q_link_segment)
            left = own.T @ rotation_of(body.segment_quat[t, i])
            turned = max(turned, float(np.linalg.norm(turn_of(left))))
    at_zero = place(subject, np.zeros(len(subject.motors)))
    upright = at_zero.link[pelvis.link][:3, :3] @ rotation_of(pelvis.q_link_segment)
    facing = float(np.linalg.norm(turn_of(axes.T @ upright)))
    return {"key_point_m": metres, "segment_rad": turned, "pelvis_at_zero_rad": facing}


def neutral_error(subject: Subject) -> dict[str, Any]:
    """Canonical angles at the neutral pose: zero, but for constants that are kept as offsets."""
    robot = subject.robot
    values = np.array([robot.neutral.get(n, 0.0) for n in subject.motors])
    body = on_body(subject, values[None])
    angle = body.angle[0, :HAND_DOF_START].astype(np.float64)
    known = body.status[0, :HAND_DOF_START] != Status.ABSENT
    kept = np.zeros(HAND_DOF_START, dtype=np.bool_)
    kept[[DOF_INDEX[d] for d in robot.offset_rad]] = True
    within = (values >= subject.lower - 1e-9) & (values <= subject.upper + 1e-9)
    free = np.abs(angle[known & ~kept])
    return {
        "reachable": bool(within.all()),
        "largest_rad": float(free.max(initial=0.0)),
        "kept": {d: a for d, a in robot.offset_rad.items() if abs(a) > 1e-6},
    }


def axis_errors(subject: Subject) -> dict[str, dict[str, float]]:
    """Each measured DoF moved by +0.3 rad from neutral: what the witness sees its segment do.

    Returns:
        By DoF: how far the turn's axis is from the table's (deg, pelvis axes), the turn (rad), and
        how far the parent segment itself is from upright (deg): a hinge that is not square to its
        bones keeps its lean, and so does what follows it.
    """
    robot, found = subject.robot, dict[str, dict[str, float]]()
    neutral = np.array([robot.neutral.get(n, 0.0) for n in subject.motors])
    status = on_body(subject, neutral[None]).status[0]
    before = place(subject, neutral)
    pelvis = robot.segments["pelvis"]
    base = before.link[pelvis.link][:3, :3] @ rotation_of(pelvis.q_link_segment)
    for c in COMPLEXES:
        if c.child not in robot.segments or c.parent not in robot.segments:
            continue
        links = [robot.segments[s].link for s in (c.parent, c.child)]
        for dof in c.dofs:
            if status[DOF_INDEX[dof]] != Status.MEASURED:
                continue
            moved = _moved(subject, neutral, c.name, dof)
            after = place(subject, moved)
            old, new = (
                seen.link[links[0]][:3, :3].T @ seen.link[links[1]][:3, :3]
                for seen in (before, after)
            )
            turn = base.T @ before.link[links[0]][:3, :3] @ turn_of(new @ old.T)
            size = float(np.linalg.norm(turn))
            cosine = float(turn @ dof_axis(dof)) / max(size, 1e-12)
            parent = before.link[links[0]][:3, :3] @ rotation_of(
                robot.segments[c.parent].q_link_segment
            )
            found[dof] = {
                "off_deg": math.degrees(math.acos(np.clip(cosine, -1, 1))),
                "rad": size,
                "parent_leans_deg": math.degrees(float(np.linalg.norm(turn_of(base.T @ parent)))),
            }
    return found


def _point(seen: Placed, link: str, point_m: tuple[float, ...]) -> F64:
    at: F64 = (seen.link[link] @ np.array([*point_m, 1.0]))[:3]
    return at


def _moved(subject: Subject, neutral: F64, complex_name: str, dof: str) -> F64:
    """Motor values [J] that add 0.3 rad to one canonical angle and leave its neighbours."""
    chain = next(c for c in COMPLEXES if c.name == complex_name)
    at = [subject.motors.index(j) for j in _drivers(subject.robot, complex_name)]
    dofs = [DOF_INDEX[d] for d in chain.dofs]

    def angles(position: F64) -> F64:
        seen: F64 = np.nan_to_num(on_body(subject, position).angle[:, dofs].astype(np.float64))
        return seen

    goal = angles(neutral[None])[0]
    goal[chain.dofs.index(dof)] += _TURN_RAD
    value = neutral.copy()
    for _ in range(30):
        probes = np.repeat(value[None], 1 + 2 * len(at), axis=0)
        for i, j in enumerate(at):
            probes[1 + 2 * i, j] += 1e-3
            probes[2 + 2 * i, j] -= 1e-3
        seen = angles(probes)
        slope = (seen[1::2] - seen[2::2]).T / 2e-3
        step = np.linalg.lstsq(slope, goal - seen[0], rcond=1e-3)[0]
        value[at] += np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-9:
            break
    return value


def _drivers(robot: Embodiment, complex_name: str) -> list[str]:
    """Motors of a complex: its joints, or those that they follow."""
    joints = {j.name: j for j in robot.joints}
    found = []
    for name in robot.complexes[complex_name]:
        joint = joints[name]
        while joint.mimic is not None:
            joint = joints[joint.mimic.joint]
        if joint.name not in found:
            found.append(joint.name)
    return found
