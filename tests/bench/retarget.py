"""How right and how fast retargeting is: `python -m tests.bench.retarget`, figures as JSON.

Reachability is judged by an oracle of its own: FK in numpy from the embodiment, and projected
Levenberg-Marquardt on the place and the turn of the end together, from many random starts within
the limits, without velocity limits. A frame is reachable to it if any start ends within 1 % of limb
length (and 2 deg, for a limb of six joints and more); frames whose best start ends within 0.8 to
1.2 times that are left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.body import SEGMENT_INDEX
from schemas.embodiment import Embodiment, load_embodiment
from streams.body_plan import CanonicalBody, canonicalise, compile_plan
from streams.body_tree import build_tree
from streams.kernels.frames import quat_of_rotation, rotation_about, rotation_of_quat
from streams.retarget_plan import TargetPlan, compile_target, retarget, start_retarget
from tests.make import SAMPLE

F64 = NDArray[np.float64]

ARMS = ("left_arm", "right_arm")
STARTS, STEPS, PILOT, SECOND_NS = 64, 40, 24, 1_000_000_000
BORDER = (0.8, 1.2)
NEAR = math.radians(2.0)


class Arm:
    """One arm's FK on batches of joint values, from the embodiment."""

    def __init__(self, robot: Embodiment, name: str) -> None:
        side = name.split("_")[0]
        tree = build_tree(robot)
        self.segments = [
            SEGMENT_INDEX[s] for s in (f"{side}_upper_arm", f"{side}_forearm", f"{side}_hand")
        ]
        torso = SEGMENT_INDEX["torso"]
        path, body = list[int](), int(tree.seg_body[self.segments[2]])
        while body != tree.seg_body[torso]:
            path.insert(0, body)
            body = int(tree.parent[body - 1])
        self.joints = [tree.joints[b - 1] for b in path]
        self.sign = [float(tree.reverse[b - 1]) for b in path]
        self.fixed = [rotation_of_quat(tree.fixed[b - 1, 3:]) for b in path]
        self.base = rotation_of_quat(tree.seg_q[torso]).T
        at = [int(tree.seg_body[torso]), *path]
        self.count = [at.index(int(tree.seg_body[s])) for s in self.segments]
        self.align = [rotation_of_quat(tree.seg_q[s]) for s in self.segments]
        metres = np.array([robot.limb_length_m[f"{side}_{p}"] for p in ("upper_arm", "forearm")])
        self.length = metres / metres.sum()
        self.lower = np.array([j.lower for j in self.joints], dtype=np.float64)
        self.upper = np.array([j.upper for j in self.joints], dtype=np.float64)

    def goals(self, body: CanonicalBody) -> tuple[F64, F64]:
        """Wanted place [T, 3] (fraction of arm length) and orientation [T, 3, 3], torso frame."""
        quat = body.segment_quat
        torso = rotations(quat[:, SEGMENT_INDEX["torso"]]).transpose(0, 2, 1)
        upper, fore, hand = (torso @ rotations(quat[:, s]) for s in self.segments)
        return -(self.length[0] * upper[:, :, 2] + self.length[1] * fore[:, :, 2]), hand

    def place(self, x: F64) -> tuple[F64, F64, F64, F64]:
        """Place [N, 3], orientation [N, 3, 3] and Jacobians of both [N, 3, V] at x [N, V]."""
        turned = np.broadcast_to(self.base, (len(x), 3, 3))
        after, axes = [turned], []
        for j, fixed in enumerate(self.fixed):
            angle = self.sign[j] * x[:, j]
            spin = np.zeros((len(x), 3, 3))
            spin[:, 0, 0] = spin[:, 1, 1] = np.cos(angle)
            spin[:, 1, 0] = np.sin(angle)
            spin[:, 0, 1] = -spin[:, 1, 0]
            spin[:, 2, 2] = 1.0
            turned = turned @ (fixed @ spin)
            after.append(turned)
            axes.append(self.sign[j] * turned[:, :, 2])
        upper, fore, hand = (after[c] @ a for c, a in zip(self.count, self.align, strict=True))
        reach = [-self.length[0] * upper[:, :, 2], -self.length[1] * fore[:, :, 2]]
        move = np.zeros((len(x), 3, x.shape[1]))
        for j, axis in enumerate(axes):
            for part, count in zip(reach, self.count[:2], strict=True):
                if j < count:
                    move[:, :, j] += np.cross(axis, part)
        return reach[0] + reach[1], hand, move, np.stack(axes, axis=2)


def rotations(quat: F64) -> F64:
    """Rotation matrices [T, 3, 3] of quaternions [T, 4]."""
    return np.array([rotation_of_quat(q) for q in quat])


def rotation_vector(r: F64) -> F64:
    """Rotation vectors [N, 3] of rotation matrices; near 180 deg the length is right, only."""
    cross = np.stack([r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]], 1)
    sine = np.linalg.norm(cross, axis=1)
    angle = np.arctan2(sine, np.trace(r, axis1=1, axis2=2) - 1.0)
    return cross * (angle / np.maximum(sine, 1e-9))[:, None]


def oracle(arm: Arm, place: F64, hand: F64, seed: int) -> F64:
    """Best residual [T] over all starts, in units of what counts as reached."""
    frames, count = len(place), len(arm.joints)
    rng = np.random.default_rng(seed)
    x = rng.uniform(arm.lower, arm.upper, (frames * STARTS, count))
    goal, turn = np.repeat(place, STARTS, axis=0), np.repeat(hand, STARTS, axis=0)
    full = count >= 6
    weights = np.array([100.0] * 3 + ([1.0 / NEAR] * 3 if full else []))
    damping = np.full(len(x), 1e-2)
    cost = np.full(len(x), np.inf)
    best, error, slope = x.copy(), np.empty(0), np.empty(0)
    for _ in range(STEPS):
        at, now, move, axes = arm.place(x)
        left = goal - at
        rows = move
        if full:
            left = np.hstack([left, rotation_vector(turn @ now.transpose(0, 2, 1))])
            rows = np.concatenate([move, axes], axis=1)
        left = left * weights
        new = (left**2).sum(axis=1)
        better = new < cost
        if not error.size:
            error, slope = left, rows * weights[:, None]
        error[better], slope[better] = left[better], (rows * weights[:, None])[better]
        best[better], cost[better] = x[better], new[better]
        damping = np.clip(np.where(better, damping / 5.0, damping * 4.0), 1e-8, 1e6)
        gradient = np.einsum("nij,ni->nj", slope, error)
        stuck = ((best <= arm.lower) & (gradient < 0)) | ((best >= arm.upper) & (gradient > 0))
        held = np.where(stuck[:, None, :], 0.0, slope)
        normal = held.transpose(0, 2, 1) @ held
        scale = np.trace(normal, axis1=1, axis2=2) / count + 1e-9
        normal += (damping * scale)[:, None, None] * np.eye(count)
        step = np.linalg.solve(normal, np.where(stuck, 0.0, gradient)[:, :, None])[:, :, 0]
        x = np.clip(best + np.clip(step, -0.7, 0.7), arm.lower, arm.upper)
    at, now, _, _ = arm.place(best)
    reached = 100.0 * np.linalg.norm(goal - at, axis=1)
    if full:
        turned = rotation_vector(turn @ now.transpose(0, 2, 1))
        reached = np.maximum(reached, np.linalg.norm(turned, axis=1) / NEAR)
    return reached.reshape(frames, STARTS).min(axis=1)


def poses(robot: Embodiment, count: int, spread: float, rng: np.random.Generator) -> CanonicalBody:
    """Random poses: each joint that far from the neutral pose towards its limits."""
    joints = [j for j in robot.joints if j.mimic is None]
    lower, upper = (np.array([getattr(j, end) for j in joints]) for end in ("lower", "upper"))
    rest = np.clip([robot.neutral.get(j.name, 0.0) for j in joints], lower, upper)
    share = rng.uniform(0.0, spread, (count, len(joints)))
    x = rest + share * (np.where(rng.random(share.shape) < 0.5, lower, upper) - rest)
    names = [j.name for j in joints]
    return canonicalise(compile_plan(robot, names, [None] * len(names), {}), x, None)


def twisted(body: CanonicalBody, twist_rad: float, rng: np.random.Generator) -> CanonicalBody:
    """The same poses with each hand turned about a random axis: what fewer robots can do."""
    quat = body.segment_quat.copy()
    for hand in ("left_hand", "right_hand"):
        s = SEGMENT_INDEX[hand]
        axis = rng.normal(size=(len(quat), 3))
        axis /= np.linalg.norm(axis, axis=1)[:, None]
        for t in range(len(quat)):
            turned = rotation_of_quat(quat[t, s]) @ rotation_about(axis[t], twist_rad)
            quat[t, s] = quat_of_rotation(turned)
    return replace(body, segment_quat=quat)


# How far from neutral the source's joints go, and how far its hands are turned: hardest first.
DIFFICULTIES = ((1.0, 2.4), (1.0, 1.6), (1.0, 0.8), (1.0, 0.0), (0.7, 0.0), (0.4, 0.0), (0.2, 0.0))


def judge(source: str, target: str, frames: int) -> list[dict[str, Any]]:
    """One pair: what the flag says beside the oracle, for poses of which 30 to 70 % are reachable.

    Of the difficulties, the one is taken whose share on a few poses is nearest to one half.
    """
    robot, plan = load_embodiment(target), compile_target(load_embodiment(target), ARMS)
    found = []
    for k, name in enumerate(plan.limb_names):
        arm = Arm(robot, name)

        def sample(spread: float, twist_rad: float, count: int) -> CanonicalBody:
            rng = np.random.default_rng(17)
            return twisted(poses(load_embodiment(source), count, spread, rng), twist_rad, rng)

        def share(difficulty: tuple[float, float], arm: Arm = arm) -> float:
            few = oracle(arm, *arm.goals(sample(*difficulty, PILOT)), seed=5)
            return abs(float((few <= 1.0).mean()) - 0.5)

        difficulty = min(DIFFICULTIES, key=share)
        body = sample(*difficulty, frames)
        best = oracle(arm, *arm.goals(body), seed=3)
        times = np.arange(frames, dtype=np.int64) * SECOND_NS
        out = retarget(plan, start_retarget(plan), body, times)[1]
        kept = (best < BORDER[0]) | (best > BORDER[1])
        truth, said = (best <= 1.0)[kept], out.reachable[kept, k]
        error = out.residual_pct[out.reachable[:, k], k]
        row = {"from": source, "to": target, "limb": name, "joints": len(arm.joints)}
        row |= {"difficulty": difficulty, "reachable": round(float((best <= 1.0).mean()), 3)}
        row |= {"judged": len(truth), "true": int((truth & said).sum())}
        row |= {"false": int((said & ~truth).sum()), "missed": int((truth & ~said).sum())}
        for p in (50, 95, 99):
            row[f"error_pct_p{p}"] = float(np.percentile(error, p)) if len(error) else None
        found.append(row)
    return found


def summarise(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Precision and recall by class, over all pairs and as the worst pair."""
    result = {}
    for name, full in (("six_joints_and_more", True), ("fewer", False)):
        own = [row for row in rows if (row["joints"] >= 6) == full]
        true, false, missed = (sum(row[key] for row in own) for key in ("true", "false", "missed"))
        result[name] = {
            "pairs": len(own),
            "precision": true / max(true + false, 1),
            "recall": true / max(true + missed, 1),
            "reachable_between": [
                min(r["reachable"] for r in own),
                max(r["reachable"] for r in own),
            ]
            if own
            else None,
        }
    return result


def speed(target: str, parts: Sequence[str], frames: int = 10_000) -> dict[str, float]:
    """Frames per CPU second of canonicalising a G1 and retargeting it, in chunks of 50."""
    robot = load_embodiment("unitree_g1_29dof")
    names = [joint.name for joint in robot.joints]
    rng = np.random.default_rng(1)
    seconds = np.arange(frames)[:, None] / 50.0
    rest = np.array([robot.neutral.get(n, 0.0) for n in names]) + 0.2
    rate, phase = rng.uniform(1.0, 3.0, len(names)), rng.uniform(0, 6.3, len(names))
    position = rest + 0.3 * np.sin(rate * seconds + phase)
    times = np.arange(frames, dtype=np.int64) * 20_000_000
    source, plan = (
        compile_plan(robot, names, [None] * len(names), {}),
        compile_target(load_embodiment(target), parts),
    )

    def run(plan: TargetPlan | None) -> float:
        state = None if plan is None else start_retarget(plan)
        start = time.process_time()
        for t in range(0, frames, 50):
            body = canonicalise(source, position[t : t + 50], None)
            if plan is not None and state is not None:
                state, _ = retarget(plan, state, body, times[t : t + 50])
        return frames / (time.process_time() - start)

    run(plan)
    return {
        "canonicalise": max(run(None) for _ in range(3)),
        "canonicalise_and_retarget": max(run(plan) for _ in range(3)),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100, help="poses a pair")
    parser.add_argument("--targets", nargs="*", help="default: some of each kind")
    parser.add_argument("--sources", nargs="*", help="the same")
    options = parser.parse_args()
    pairs = itertools.product(options.sources or SAMPLE, options.targets or SAMPLE)
    rows = [row for a, b in pairs if a != b for row in judge(a, b, options.frames)]
    legs = (*ARMS, "left_leg", "right_leg")
    print(
        json.dumps(
            {
                "conditions": {
                    "interpreter": platform.python_version(), "cores": os.cpu_count(),
                    "load": os.getloadavg(), "starts": STARTS, "steps": STEPS,
                },
                "reachable": summarise(rows),
                "frames_per_cpu_second": {
                    "two arms": speed("fourier_gr1t2_inspire", ARMS),
                    "four limbs": speed("fourier_gr1t2_inspire", legs),
                    "two arms, to the same robot": speed("unitree_g1_29dof", ARMS),
                },
                "pairs": rows,
            },
            indent=1,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
