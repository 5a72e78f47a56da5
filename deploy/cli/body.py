"""The verbs that work on files of motion: `kinebus canonicalise` and `kinebus retarget`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from deploy.cli.motion_files import (
    JointMotion,
    MotionFileError,
    canonical_arrays,
    read_canonical_motion,
    read_joint_motion,
    write_arrays,
)
from deploy.cli.out import Exit, fail, print_json, say
from deploy.cli.where import AsJson
from schemas.embodiment import Embodiment, EmbodimentError, load_embodiment
from streams.body_plan import CanonicalBody, compile_plan
from streams.body_plan import canonicalise as canonicalise_frames
from streams.retarget_plan import (
    Retargeted,
    TargetPlan,
    compile_target,
    limb_makes,
    start_retarget,
)
from streams.retarget_plan import retarget as retarget_frames

CANONICAL = "canonical"

In = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        readable=True,
        metavar="IN",
        help=".npz with joint_names, position_rad [T, J], t_ns [T].",
    ),
]
Out = Annotated[Path, typer.Argument(metavar="OUT", help=".npz to be written.")]


def canonicalise(
    file_in: In,
    file_out: Out,
    embodiment: Annotated[
        str, typer.Option("--embodiment", help="A shipped embodiment, or an embodiment file.")
    ],
    as_json: AsJson = False,
) -> None:
    """A file of one robot's joint motion onto the canonical body."""
    robot = _robot(embodiment)
    try:
        motion = read_joint_motion(file_in, robot)
        body = _on_body(robot, motion)
        write_arrays(file_out, canonical_arrays(body, motion.t_ns, limb_makes(robot)))
    except MotionFileError as error:
        fail(str(error))
    _report(as_json, {"embodiment": robot.id, "frames": len(motion.t_ns), "out": str(file_out)})


def retarget(
    file_in: In,
    file_out: Out,
    source: Annotated[
        str, typer.Option("--from", help="Embodiment of IN's joints, or `canonical`.")
    ],
    target: Annotated[str, typer.Option("--to", help="Embodiment of OUT's joints.")],
    as_json: AsJson = False,
) -> None:
    """A file of one robot's joint motion, or of canonical motion, in another robot's joints."""
    to = _robot(target)
    try:
        if source == CANONICAL:
            motion = read_canonical_motion(file_in)
            plan = _target(to, motion.limb_makes)
            _, out = retarget_frames(plan, start_retarget(plan), motion, motion.t_ns)
            t_ns = motion.t_ns
        else:
            robot = _robot(source)
            _refuse_joint_level(robot)
            plan = _target(to, limb_makes(robot))
            joints = read_joint_motion(file_in, robot)
            body = _on_body(robot, joints)
            _, out = retarget_frames(plan, start_retarget(plan), body, joints.t_ns)
            t_ns = joints.t_ns
        write_arrays(
            file_out,
            {
                "joint_names": np.array(plan.joint_names, dtype=np.str_),
                "position_rad": out.position_rad,
                "status": out.status,
                "t_ns": t_ns,
                "limb_names": np.array(plan.limb_names, dtype=np.str_),
                "residual_pct": out.residual_pct,
                "residual_rad": out.residual_rad,
                "reachable": out.reachable,
                "clamped": out.clamped,
                "velocity_limited": out.velocity_limited,
                "reseeded": out.reseeded,
            },
        )
    except MotionFileError as error:
        fail(str(error))
    _report(as_json, _summary(source, plan, out, file_out))


def _robot(name: str) -> Embodiment:
    try:
        return load_embodiment(name)
    except EmbodimentError as error:
        fail(str(error), Exit.USAGE)


def _target(robot: Embodiment, shown_by: Mapping[str, str]) -> TargetPlan:
    try:
        return compile_target(robot, shown_by=shown_by)
    except EmbodimentError as error:
        fail(str(error), Exit.USAGE)


def _refuse_joint_level(robot: Embodiment) -> None:
    if robot.kind != "full":
        fail(
            f"{robot.id} is known at joint level only, without geometry: its motion has no "
            "segments to follow (onboard its URDF or MJCF first)",
            Exit.USAGE,
        )


def _on_body(robot: Embodiment, motion: JointMotion) -> CanonicalBody:
    names = motion.joint_names
    plan = compile_plan(robot, names, [None] * len(names), {})
    return canonicalise_frames(plan, motion.position_rad, None)


def _summary(source: str, plan: TargetPlan, out: Retargeted, path: Path) -> dict[str, Any]:
    limbs = {}
    for k, limb in enumerate(plan.limb_names):
        followed = np.isfinite(out.residual_pct[:, k])
        share = {
            name: float(getattr(out, name)[followed, k].mean()) if followed.any() else None
            for name in ("reachable", "clamped", "velocity_limited", "reseeded")
        }
        limbs[limb] = {"followed": int(followed.sum()), **share}
    return {
        "from": source,
        "to": plan.embodiment.id,
        "frames": len(out.position_rad),
        "limbs": limbs,
        "out": str(path),
    }


def _report(as_json: bool, result: dict[str, Any]) -> None:
    if as_json:
        print_json(result)
        return
    say(f"{result['frames']:,} frames written to {result['out']}")
    for limb, share in result.get("limbs", {}).items():
        if share["followed"]:
            say(
                f"  {limb}: reachable {share['reachable']:.1%}, at a limit {share['clamped']:.1%}, "
                f"velocity limited {share['velocity_limited']:.1%}"
            )
        else:
            say(f"  {limb}: nothing to follow, it rests")
