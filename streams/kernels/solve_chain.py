"""Where a limb's segments point for given joint values, and how each joint turns them.

A limb is a chain of joints from a base segment (torso or pelvis) to three segments: upper (upper
arm, thigh), fore (forearm, shank) and end (hand, foot). Everything is expressed in the base
segment's frame. The place of the end, from the limb's proximal centre, is the sum of one constant
vector per body: what lies between its joint and the next.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.quaternion import multiply, rotate, turn_about_z, z_axis
from streams.kernels.trig import half_angles

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

UPPER, FORE, END, BASE = 0, 1, 2, 3

# Rows of `pull` and `error` that each task fills: place first, then in the limb's own order.
PLACE_ROW = 0


@njit(cache=True)
def turn_limb(
    x: F64, var: I32, gain: F64, bias: F64, fixed: F64, count: I32, seg_q: F64, work: F64,
    body_q: F64, pose_q: F64,
) -> None:  # fmt: skip
    """Orientation of every body and segment of a limb in its base segment's frame.

    Args:
        x: [V] values of the limb's variables, rad.
        var: [N] variable that moves each joint; -1 = held, or sliding.
        gain: [N] joint value per variable (a mimic's multiplier, -1 for a joint walked backwards).
        bias: [N] joint value at variable 0.
        fixed: [N, 4] rotation from the body before the joint to the body after it at value 0.
        count: [3] joints before upper, fore and end.
        seg_q: [4, 4] body <- segment of upper, fore, end; last the base: segment <- body.
        work: [3, N] value, cosine and sine of each joint.
        body_q: [N + 1, 4] out.
        pose_q: [3, 4] out: base segment <- upper, fore, end.
    """
    joints = var.shape[0]
    for j in range(joints):
        work[0, j] = bias[j] if var[j] < 0 else gain[j] * x[var[j]] + bias[j]
    half_angles(work[0], work[1], work[2])
    w, qx, qy, qz = seg_q[BASE, 0], seg_q[BASE, 1], seg_q[BASE, 2], seg_q[BASE, 3]
    body_q[0, 0], body_q[0, 1], body_q[0, 2], body_q[0, 3] = w, qx, qy, qz
    for j in range(joints):
        w, qx, qy, qz = multiply(w, qx, qy, qz, fixed[j, 0], fixed[j, 1], fixed[j, 2], fixed[j, 3])
        w, qx, qy, qz = turn_about_z(w, qx, qy, qz, work[1, j], work[2, j])
        body_q[j + 1, 0], body_q[j + 1, 1], body_q[j + 1, 2], body_q[j + 1, 3] = w, qx, qy, qz
    for s in range(3):
        b = count[s]
        pose_q[s, 0], pose_q[s, 1], pose_q[s, 2], pose_q[s, 3] = multiply(
            body_q[b, 0], body_q[b, 1], body_q[b, 2], body_q[b, 3],
            seg_q[s, 0], seg_q[s, 1], seg_q[s, 2], seg_q[s, 3],
        )  # fmt: skip


@njit(cache=True)
def wanted_place(goal: F64, length: F64) -> tuple[float, float, float]:
    """Where the end should be: Σ length · direction, -(l0 · z of upper + l1 · z of fore).

    goal: [3, 4] wanted orientations of upper, fore, end; length: [2] of upper and fore, as
    fractions of their sum. Returns fractions of limb length, from the proximal centre.
    """
    ux, uy, uz = z_axis(goal[0, 0], goal[0, 1], goal[0, 2], goal[0, 3])
    fx, fy, fz = z_axis(goal[1, 0], goal[1, 1], goal[1, 2], goal[1, 3])
    return (
        -(length[0] * ux + length[1] * fx),
        -(length[0] * uy + length[1] * fy),
        -(length[0] * uz + length[1] * fz),
    )


@njit(cache=True)
def place_end(body_q: F64, reach: F64) -> tuple[float, float, float]:
    """Where the end is, in fractions of limb length, from the proximal centre.

    body_q: [N + 1, 4] from `turn_limb`; reach: [N + 1, 3] what each body adds, in its own frame.
    """
    x = y = z = 0.0
    for b in range(reach.shape[0]):
        dx, dy, dz = rotate(
            body_q[b, 0], body_q[b, 1], body_q[b, 2], body_q[b, 3],
            reach[b, 0], reach[b, 1], reach[b, 2],
        )  # fmt: skip
        x, y, z = x + dx, y + dy, z + dz
    return x, y, z


@njit(cache=True)
def turn_left(goal: F64, pose: F64) -> tuple[float, float, float]:
    """Rotation still to be made, 2 sin(θ/2) along its axis: θ to third order, no arctangent.

    goal and pose: [4] quaternions in one frame; the result is in that frame, at most 2 long.
    """
    w, x, y, z = multiply(goal[0], goal[1], goal[2], goal[3], pose[0], -pose[1], -pose[2], -pose[3])
    sign = -2.0 if w < 0.0 else 2.0
    return sign * x, sign * y, sign * z


@njit(cache=True)
def measure_limb(
    place: F64, goal: F64, body_q: F64, pose_q: F64, reach: F64, elbow_first: bool, error: F64
) -> tuple[float, float, float]:
    """What is left to do of each task.

    Args:
        place: [3] wanted place of the end, from `wanted_place`.
        goal: [3, 4] wanted orientation of upper, fore (not used) and end.
        body_q: [N + 1, 4] from `turn_limb`.
        pose_q: [3, 4] likewise.
        reach: [N + 1, 3] as in `place_end`.
        elbow_first: Whether the upper segment's orientation goes before the end's.
        error: [9] out: place, then the two orientations in their order.

    Returns:
        Lengths of the three: place (fraction of limb length), end and upper (2 sin(θ/2)).
    """
    px, py, pz = place_end(body_q, reach)
    error[0], error[1], error[2] = place[0] - px, place[1] - py, place[2] - pz
    end = 6 if elbow_first else 3
    upper = 9 - end
    error[end], error[end + 1], error[end + 2] = turn_left(goal[END], pose_q[END])
    error[upper], error[upper + 1], error[upper + 2] = turn_left(goal[UPPER], pose_q[UPPER])
    return _size(error, PLACE_ROW), _size(error, end), _size(error, upper)


@njit(cache=True)
def pull_limb(
    var: I32, gain: F64, count: I32, body_q: F64, reach: F64, elbow_first: bool, pull: F64
) -> None:
    """Change of the three tasks with each variable: axis × arm for the place, axis for a turn.

    In: var, gain, count as in `turn_limb`, body_q from there; reach and elbow_first as in
    `measure_limb`. Out: pull [9, V], rows as `measure_limb` orders its errors.
    """
    pull[:, :] = 0.0
    end = 6 if elbow_first else 3
    upper = 9 - end
    # From the joint's axis to the end: what the bodies beyond it add.
    mx = my = mz = 0.0
    for j in range(var.shape[0] - 1, -1, -1):
        b = j + 1
        dx, dy, dz = rotate(
            body_q[b, 0], body_q[b, 1], body_q[b, 2], body_q[b, 3],
            reach[b, 0], reach[b, 1], reach[b, 2],
        )  # fmt: skip
        mx, my, mz = mx + dx, my + dy, mz + dz
        v = var[j]
        if v < 0:
            continue
        ax, ay, az = z_axis(body_q[b, 0], body_q[b, 1], body_q[b, 2], body_q[b, 3])
        ax, ay, az = gain[j] * ax, gain[j] * ay, gain[j] * az
        pull[0, v] += ay * mz - az * my
        pull[1, v] += az * mx - ax * mz
        pull[2, v] += ax * my - ay * mx
        if j < count[END]:
            pull[end, v] += ax
            pull[end + 1, v] += ay
            pull[end + 2, v] += az
        if j < count[UPPER]:
            pull[upper, v] += ax
            pull[upper + 1, v] += ay
            pull[upper + 2, v] += az


@njit(cache=True)
def foresee(pull: F64, error: F64, dx: F64, elbow_first: bool) -> tuple[float, float, float]:
    """What `measure_limb` will return after a small step dx [V], to second order in the step."""
    for i in range(9):
        for v in range(dx.shape[0]):
            error[i] -= pull[i, v] * dx[v]
    end = 6 if elbow_first else 3
    return _size(error, PLACE_ROW), _size(error, end), _size(error, 9 - end)


@njit(cache=True)
def _size(error: F64, row: int) -> float:
    squares = error[row] ** 2 + error[row + 1] ** 2 + error[row + 2] ** 2
    size: float = np.sqrt(squares)
    return size
