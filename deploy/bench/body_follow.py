"""Recorded motion at half speed onto a robot: is it followed, and within every limit?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bench.body_reach import find_arms, goals, hand_error_pct, percentiles
from deploy.bench.body_truth import Subject, on_body
from streams.body_plan import CanonicalBody
from streams.retarget_plan import compile_target, limb_makes, retarget, start_retarget

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_SLOWER = 2.0
# The witness looks at every n-th frame.
_EVERY = 8


def clips(recordings: Path, g1: Subject) -> dict[str, tuple[CanonicalBody, I64]]:
    """Motion of a G1 of 29 joints on the canonical body, with times slowed to half."""
    walk = np.load(recordings / "twist2_g1/0807_yanjie_walk_001.npz")
    dance = np.loadtxt(recordings / "robot_lab_g1/G1_Take_102.bvh_60hz.csv", delimiter=",")
    found = {}
    for name, position, rate in (
        ("walk", walk["dof_pos"].astype(np.float64), float(walk["fps"])),
        ("dance", dance[:, 7:], 60.0),
    ):
        times = (np.arange(len(position)) * _SLOWER * 1e9 / rate).astype(np.int64)
        found[name] = on_body(g1, position), times
    return found


def follow(recordings: Path, g1: Subject, target: Subject) -> list[dict[str, Any]]:
    """Each clip on one robot: a row per arm, with what was held to a limit and what broke one."""
    arms, rows = find_arms(target), []
    plan = compile_target(target.robot, ("left_arm", "right_arm"), shown_by=limb_makes(g1.robot))
    for name, (body, times) in clips(recordings, g1).items():
        out = retarget(plan, start_retarget(plan), body, times)[1]
        position = out.position_rad
        step_s = np.diff(times)[:, None] * 1e-9
        fast = np.abs(np.diff(position, axis=0)) > plan.motors.speed * step_s
        beyond = (position < plan.motors.lower) | (position > plan.motors.upper)
        for arm in arms:
            k = plan.limb_names.index(f"{arm.side}_arm")
            fair = np.flatnonzero(out.reachable[:, k] & ~out.velocity_limited[:, k])[::_EVERY]
            place, _ = goals(body, arm)
            own = limb_makes(target.robot)[f"{arm.side}_arm"]
            same = own == limb_makes(g1.robot)[f"{arm.side}_arm"]
            error = (
                np.empty(0) if same else hand_error_pct(target, arm, position[fair], place[fair])
            )
            rows.append(
                {
                    "clip": name,
                    "robot": target.robot.id,
                    "side": arm.side,
                    "frames": len(times),
                    "reachable": int(out.reachable[:, k].sum()),
                    "velocity_limited": int(out.velocity_limited[:, k].sum()),
                    "limited_and_reachable": int(
                        (out.velocity_limited[:, k] & out.reachable[:, k]).sum()
                    ),
                    "error_pct": error,
                    "beyond_limits": int(beyond.sum()),
                    "beyond_velocity": int(fast.sum()),
                }
            )
    return rows


def merge(rows: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """By clip over all robots' arms; the arms that are held to a velocity limit most, too."""
    flat = [row for own in rows for row in own]
    found: dict[str, Any] = {}
    for name in sorted({row["clip"] for row in flat}):
        own = [row for row in flat if row["clip"] == name]
        frames = sum(row["frames"] for row in own)
        worst = sorted(own, key=lambda row: -row["velocity_limited"] / row["frames"])[:5]
        found[name] = {
            "arms": len(own),
            "frames": frames,
            "reachable": round(sum(row["reachable"] for row in own) / frames, 4),
            "velocity_limited": round(sum(row["velocity_limited"] for row in own) / frames, 4),
            "velocity_limited_of_reachable": round(
                sum(row["limited_and_reachable"] for row in own)
                / max(sum(row["reachable"] for row in own), 1),
                4,
            ),
            "hand_error_pct": percentiles(np.concatenate([row["error_pct"] for row in own])),
            "beyond_limits": sum(row["beyond_limits"] for row in own),
            "beyond_velocity": sum(row["beyond_velocity"] for row in own),
            "most_limited": {
                f"{row['robot']} {row['side']}": round(row["velocity_limited"] / row["frames"], 4)
                for row in worst
            },
        }
    return found
