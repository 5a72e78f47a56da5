"""From robot to robot: is `reachable` right beside an oracle, and where do the hands end?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bench.body_oracle import FULL_JOINTS, NEAR_PCT, NEAR_RAD, Chain, reach
from deploy.bench.body_truth import Subject, on_body, random_poses, with_mimics
from deploy.bench.body_witness import Placed, rotation_of
from schemas.body import SEGMENT_INDEX, SIDES
from streams.body_plan import CanonicalBody
from streams.retarget_plan import compile_target, limb_makes, retarget, start_retarget

F64 = NDArray[np.float64]

# How hard goals are, in turn: share of the joints' ranges that source poses are drawn from, then by
# how much (rad) the whole arm is swung and the hand is turned about random axes.
_HARDER = ((0.3, 0.0, 0.0), (0.9, 0.0, 1.2), (0.6, 0.8, 0.4), (0.9, 1.6, 0.8))
# Goals that are drawn for each that is kept.
_DRAWN = 3
# Between these, in units of what counts as reached, a frame is left out.
BORDER = (0.8, 1.2)
# Frames of a pair are no motion: each starts anew.
_APART_NS = 10_000_000_000


@dataclass(frozen=True)
class Arm:
    """A target's arm as the oracle and the measure see it: all figures are the witness's."""

    side: str
    joints: tuple[str, ...]
    chain: Chain
    metres: tuple[float, float]


def find_arms(subject: Subject) -> list[Arm]:
    """Arms whose joints are motors of their own; none for robots without both."""
    robot = subject.robot
    joints = {j.name: j for j in robot.joints}
    found = []
    for side in SIDES:
        names = [n for c in ("shoulder", "elbow", "wrist") for n in robot.complexes[f"{side}_{c}"]]
        own = all(joints[n].mimic is None and joints[n].kind == "revolute" for n in names)
        if not names or not own or f"{side}_hand" not in robot.segments:
            return []
        found.append(_arm(subject, side, names))
    return found


def _arm(subject: Subject, side: str, names: Sequence[str]) -> Arm:
    robot = subject.robot
    joints = {j.name: j for j in robot.joints}
    rest = {n: robot.neutral.get(n, 0.0) for n in subject.motors}
    values = with_mimics(robot, rest | dict.fromkeys(names, 0.0))
    seen = subject.witness(values)
    base = _turned(subject, seen, "torso")
    near = _key(subject, seen, f"{side}_upper_arm")
    hand = robot.segments[f"{side}_hand"].key_link
    moves = []
    for n in names:
        nudged = subject.witness(values | {n: 0.1}).link[hand]
        moves.append(bool(np.abs(nudged - seen.link[hand]).max() > 1e-9))
    metres = tuple(robot.limb_length_m[f"{side}_{part}"] for part in ("upper_arm", "forearm"))
    chain = Chain(
        axis=np.array([base.T @ seen.axis[n] for n in names]),
        origin=np.array([base.T @ (seen.origin[n] - near) for n in names]),
        lower=np.array([-np.pi if joints[n].lower is None else joints[n].lower for n in names]),
        upper=np.array([np.pi if joints[n].upper is None else joints[n].upper for n in names]),
        end=base.T @ (_key(subject, seen, f"{side}_hand") - near),
        turned=base.T @ _turned(subject, seen, f"{side}_hand"),
        before_end=moves.index(False) if False in moves else len(moves),
        length_m=sum(metres),
    )
    return Arm(side, tuple(names), chain, (metres[0], metres[1]))


def goals(body: CanonicalBody, arm: Arm) -> tuple[F64, F64]:
    """Wanted centre (m, from the proximal one) and orientation of the hand, in the torso's frame.

    Σ target limb length · source segment direction, as the design says; [T, 3] and [T, 3, 3].
    """
    quat = body.segment_quat
    torso = np.array([rotation_of(q) for q in quat[:, SEGMENT_INDEX["torso"]]])
    turned = {
        part: np.einsum(
            "tji,tjk->tik",
            torso,
            np.array([rotation_of(q) for q in quat[:, SEGMENT_INDEX[f"{arm.side}_{part}"]]]),
        )
        for part in ("upper_arm", "forearm", "hand")
    }
    place = -arm.metres[0] * turned["upper_arm"][:, :, 2]
    place = place - arm.metres[1] * turned["forearm"][:, :, 2]
    return place, turned["hand"]


def hand_error_pct(subject: Subject, arm: Arm, position: F64, place_m: F64) -> F64:
    """Where the witness sees the hand's centre, beside where it should be: % of arm length, [T].

    position: [T, J] of the motors, in the torso's frame place_m [T, 3].
    """
    error = np.empty(len(position))
    for t in range(len(position)):
        given = dict(zip(subject.motors, map(float, position[t]), strict=True))
        seen = subject.witness(with_mimics(subject.robot, given))
        near = _key(subject, seen, f"{arm.side}_upper_arm")
        at = _turned(subject, seen, "torso").T @ (_key(subject, seen, f"{arm.side}_hand") - near)
        error[t] = 100.0 * float(np.linalg.norm(at - place_m[t])) / arm.chain.length_m
    return error


def judge_pair(source: Subject, target: Subject, arms: Sequence[Arm], frames: int) -> list[Any]:
    """One pair: the flag and the hand beside oracle and witness, a row per arm of the target.

    Of the goals drawn, no more are kept that the oracle reaches than that it does not, but two.
    """
    body = harder_poses(source, _DRAWN * frames)
    plan = compile_target(
        target.robot, ("left_arm", "right_arm"), shown_by=limb_makes(source.robot)
    )
    times = np.arange(len(body.angle), dtype=np.int64) * _APART_NS
    out = retarget(plan, start_retarget(plan), body, times)[1]
    low, high = (out.position_rad - limit for limit in (target.lower, target.upper))
    rows = []
    for arm in arms:
        k = plan.limb_names.index(f"{arm.side}_arm")
        place, hand = goals(body, arm)
        away_pct, turn_rad = reach(arm.chain, place, hand, seed=7)
        full = len(arm.joints) >= FULL_JOINTS
        best = np.maximum(away_pct / NEAR_PCT, turn_rad / NEAR_RAD if full else 0.0)
        yes, no = np.flatnonzero(best <= 1.0), np.flatnonzero(best > 1.0)
        kept = np.concatenate([yes[: min(frames // 2, max(len(no), 2))], no[: frames // 2]])
        rows.append(
            {
                "full": full,
                "best": best[kept],
                "said": out.reachable[kept, k],
                "error_pct": hand_error_pct(target, arm, out.position_rad[kept], place[kept]),
                "beyond_limits": int(((low < -1e-12) | (high > 1e-12)).any(axis=1).sum()),
            }
        )
    return rows


def harder_poses(source: Subject, count: int) -> CanonicalBody:
    """Poses of a robot, some with arms swung and hands turned to where its own joints cannot go."""
    each = -(-count // len(_HARDER))
    poses = [random_poses(source, each, k, share) for k, (share, _, _) in enumerate(_HARDER)]
    # In turn, so that any first part of them is of all kinds.
    kinds = np.tile(np.arange(len(_HARDER)), each)[:count]
    body = on_body(source, np.stack(poses, axis=1).reshape(-1, *poses[0].shape[1:])[:count])
    quat, rng = body.segment_quat, np.random.default_rng(12)
    for side in SIDES:
        upper, fore, hand = (
            SEGMENT_INDEX[f"{side}_{part}"] for part in ("upper_arm", "forearm", "hand")
        )
        for t, kind in enumerate(kinds):
            _, swing, turn = _HARDER[kind]
            by = _random_turn(rng, swing)
            for s in (upper, fore, hand):
                quat[t, s] = _times(by, quat[t, s])
            quat[t, hand] = _times(quat[t, hand], _random_turn(rng, turn))
    return body


def _random_turn(rng: np.random.Generator, angle_rad: float) -> F64:
    axis = rng.normal(size=3)
    axis *= np.sin(0.5 * angle_rad) / np.linalg.norm(axis)
    return np.array([np.cos(0.5 * angle_rad), *axis])


def _times(a: F64, b: F64) -> F64:
    """Product of quaternions wxyz: b first."""
    return np.array(
        [a[0] * b[0] - a[1:] @ b[1:], *(a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:]))]
    )


def summarise(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Precision, recall and hand error by class of target arm."""
    found = {}
    for name, full in (("six_joints_and_more", True), ("fewer", False)):
        own = [row for row in rows if row["full"] == full]
        if not own:
            continue
        best, said = (np.concatenate([row[key] for row in own]) for key in ("best", "said"))
        error = np.concatenate([row["error_pct"] for row in own])[said]
        kept = (best < BORDER[0]) | (best > BORDER[1])
        truth = best <= 1.0
        true, false, missed = (
            int((a & b & kept).sum()) for a, b in ((truth, said), (~truth, said), (truth, ~said))
        )
        found[name] = {
            "arms": len(own),
            "frames": len(best),
            "judged": int(kept.sum()),
            "reachable_share": round(float(truth.mean()), 3),
            "precision": round(true / max(true + false, 1), 4),
            "recall": round(true / max(true + missed, 1), 4),
            "hand_error_pct": percentiles(error),
            "beyond_limits": sum(row["beyond_limits"] for row in own),
        }
    return found


def percentiles(values: F64) -> dict[str, float | None]:
    """Median, p95 and p99, four digits; None of nothing."""
    if not len(values):
        return dict.fromkeys(("p50", "p95", "p99"))
    return {f"p{p}": round(float(np.percentile(values, p)), 4) for p in (50, 95, 99)}


def _key(subject: Subject, seen: Placed, segment: str) -> F64:
    s = subject.robot.segments[segment]
    at: F64 = (seen.link[s.key_link] @ np.array([*s.key_point_m, 1.0]))[:3]
    return at


def _turned(subject: Subject, seen: Placed, segment: str) -> F64:
    s = subject.robot.segments[segment]
    turned: F64 = seen.link[s.link][:3, :3] @ rotation_of(s.q_link_segment)
    return turned
