"""How fast canonicalising and retargeting are: CPU time, beside other projects on the same frames.

Everything runs on one core in turns, so that a ratio compares what ran within the same seconds;
of each ratio the median over the rounds is given, of each rate the best.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deploy.bench.body_goals import RATE_HZ, link_goals, motion, rotations, segment_frames
from deploy.bench.check_speed import checking
from deploy.bench.peer_robot import urdf
from deploy.bench.peers import MINK, PINK, PINOCCHIO, Ask, Say, running
from schemas.embodiment import Embodiment, load_embodiment
from streams.body_plan import BodyPlan, CanonicalBody, canonicalise, compile_plan
from streams.body_tree import build_tree
from streams.retarget_plan import TargetPlan, compile_target, retarget, start_retarget

F64 = NDArray[np.float64]
Rates = dict[str, list[float]]

ARMS: Final = ("left_arm", "right_arm")
LIMBS: Final = (*ARMS, "left_leg", "right_leg")
CHUNK: Final = 50
CHECKED: Final = "canonicalise and check"
# What a peer may leave of each end: what our own acceptance asks of a hand, and of a round trip.
TOLERANCES: Final = {
    "0.1 % and 0.1 deg": {"place_share": 1e-3, "turn_rad": float(np.radians(0.1))},
    "1e-5 and 1e-5 rad": {"place_share": 1e-5, "turn_rad": 1e-5},
}
_REPEATS: Final = 10


@dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
        source, target: Robots.
        frames: T of the motion.
        rounds: How often everything is run.
        peers: Whether pinocchio runs beside.
        solvers: Whether mink and pink run beside, too.
    """

    source: str = "unitree_g1_29dof"
    target: str = "fourier_gr1t2_inspire"
    frames: int = 500
    rounds: int = 5
    peers: bool = True
    solvers: bool = True


def measure_speed(case: Case, say: Say) -> dict[str, Any]:
    """All rates in frames per CPU second, and ratios.

    Raises:
        PeerError: a peer could not be installed or ended.
    """
    source, target = load_embodiment(case.source), load_embodiment(case.target)
    position = motion(source, case.frames)
    names = [joint.name for joint in source.joints]
    plan = compile_plan(source, names, [None] * len(names), {})
    body = canonicalise(plan, position, None)
    ours = _our_runs(plan, target, position)
    ours[CHECKED] = checking(source, position, RATE_HZ, CHUNK, _REPEATS)
    told: dict[str, Any] = {}
    rates: Rates = {}
    with _one_core() as core, ExitStack() as stack:
        runs = dict(ours)
        if case.peers:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kinebus-bench-")))
            runs |= _peer_runs(
                source, target, position, body, folder, stack, told, say, solvers=case.solvers
            )
        for n in range(case.rounds + 1):
            say(f"round {n} of {case.rounds}" if n else "warming up")
            for name, run in runs.items():
                rate = case.frames / run()
                if n:
                    rates.setdefault(name, []).append(rate)
    return {
        "conditions": {
            "chunk_frames": CHUNK, "motion_hz": RATE_HZ, "core": core, **vars(case),
            "joints": len(names), "load_average": os.getloadavg(),
        },
        "frames_per_cpu_second": {name: round(max(values)) for name, values in rates.items()},
        "single_frame_costs_shares_of_a_chunk": _ratio(rates, "canonicalise", "one frame a call"),
        "times_as_fast_as": _ratios(rates),
        "residual": _own_residual(target, body),
        "peers": told,
    }  # fmt: skip


def _our_runs(plan: BodyPlan, target: Embodiment, position: F64) -> dict[str, Callable[[], float]]:
    """What we measure of ourselves; each gives CPU seconds for all frames."""
    chunks = [position[t : t + CHUNK] for t in range(0, len(position), CHUNK)]
    single = [position[t : t + 1] for t in range(len(position))]
    rate = np.gradient(position, 1.0 / RATE_HZ, axis=0)
    moving = [rate[t : t + CHUNK] for t in range(0, len(position), CHUNK)]
    arms, limbs = compile_target(target, ARMS), compile_target(target, LIMBS)
    whole = compile_target(target)
    return {
        "canonicalise": lambda: _canonicalise(plan, chunks, None, _REPEATS),
        "with velocities": lambda: _canonicalise(plan, chunks, moving, _REPEATS),
        "one frame a call": lambda: _canonicalise(plan, single, None, 2),
        "and two arms": lambda: _retarget(plan, arms, chunks),
        "and four limbs": lambda: _retarget(plan, limbs, chunks),
        "and the whole target": lambda: _retarget(plan, whole, chunks),
    }


def _canonicalise(
    plan: BodyPlan, chunks: Sequence[F64], rates: Sequence[F64] | None, repeats: int
) -> float:
    start = time.process_time()
    for _ in range(repeats):
        for k, chunk in enumerate(chunks):
            canonicalise(plan, chunk, rates[k] if rates else None)
    return (time.process_time() - start) / repeats


def _retarget(plan: BodyPlan, target: TargetPlan, chunks: Sequence[F64]) -> float:
    """Behind the first frame, whose search is not counted here, nor at the peers."""
    times = np.arange(CHUNK + 1, dtype=np.int64) * round(1e9 / RATE_HZ)
    first = canonicalise(plan, chunks[0][:1], None)
    state, _ = retarget(target, start_retarget(target), first, times[:1])
    start = time.process_time()
    for k, chunk in enumerate(chunks):
        body = canonicalise(plan, chunk, None)
        now = times[1 : len(chunk) + 1] + k * CHUNK * times[1]
        state, _ = retarget(target, state, body, now)
    return time.process_time() - start


def _peer_runs(
    source: Embodiment, target: Embodiment, position: F64, body: CanonicalBody,
    folder: Path, stack: ExitStack, told: dict[str, Any], say: Say, *, solvers: bool,
) -> dict[str, Callable[[], float]]:  # fmt: skip
    """Start the peers; each of what comes out gives CPU seconds for all frames."""

    def run(name: str, ask: Ask, settings: Mapping[str, float]) -> Callable[[], float]:
        def once() -> float:
            answer = ask(settings)
            told[name] = {k: v for k, v in answer.items() if k != "cpu_s"}
            return float(answer["cpu_s"])

        return once

    own = folder / "forward"
    own.mkdir()
    _write_forward(source, position, body, own)
    runs = {"pinocchio": run("pinocchio", stack.enter_context(running(PINOCCHIO, own, say)), {})}
    for part, limbs in (("two arms", ARMS), ("four limbs", LIMBS)) if solvers else ():
        own = folder / part.replace(" ", "_")
        own.mkdir()
        goals = link_goals(target, body, limbs)
        (own / "robot.urdf").write_text(goals.robot)
        np.savez(
            own / "goals.npz", frame_names=goals.names, cost=goals.cost, wxyz_xyz=goals.wxyz_xyz,
            limb_m=goals.limb_m,
        )  # fmt: skip
        for peer in (MINK, PINK):
            ask = stack.enter_context(running(peer, own, say))
            for within, settings in TOLERANCES.items():
                name = f"{peer.name}, {part}, {within}"
                runs[name] = run(name, ask, settings)
    return runs


def _write_forward(source: Embodiment, position: F64, body: CanonicalBody, folder: Path) -> None:
    tree = build_tree(source)
    frames, segments = segment_frames(tree)
    names = [joint.name for joint in tree.joints]
    column = [source.joint_index[name] for name in names]
    everything = dict.fromkeys(range(len(names)), (-np.pi, np.pi))
    (folder / "robot.urdf").write_text(urdf(tree, {}, everything, frames))
    turned = np.stack([rotations(body.segment_quat[:, s]) for s in segments], axis=1)
    np.savez(
        folder / "frames.npz", frame_names=[f.name for f in frames], joint_names=names,
        position=position[:, column] * tree.reverse, rotation=turned,
    )  # fmt: skip


def _ratios(rates: Rates) -> dict[str, float]:
    """Ours to each peer's, for the same work."""
    ours = {"two arms": "and two arms", "four limbs": "and four limbs"}
    found = {}
    for name in rates:
        peer, *rest = name.split(", ")
        if peer == PINOCCHIO.name:
            found[name] = _ratio(rates, "canonicalise", name)
            found[f"{name}, with all checks"] = _ratio(rates, CHECKED, name)
        elif rest:
            found[name] = _ratio(rates, ours[rest[0]], name)
    return found


def _ratio(rates: Rates, ours: str, other: str) -> float:
    pairs = zip(rates[ours], rates[other], strict=True)
    return round(statistics.median(own / its for own, its in pairs), 2)


def _own_residual(target: Embodiment, body: CanonicalBody) -> dict[str, float]:
    plan = compile_target(target, LIMBS)
    times = np.arange(len(body.angle), dtype=np.int64) * round(1e9 / RATE_HZ)
    _, out = retarget(plan, start_retarget(plan), body, times)
    return {
        "left_pct_of_limb_p95": float(np.nanpercentile(out.residual_pct, 95)),
        "left_rad_p95": float(np.nanpercentile(out.residual_rad, 95)),
        "reachable": float(out.reachable.mean()),
    }


@contextmanager
def _one_core() -> Iterator[int]:
    """Keep this process, and what it starts, on one core."""
    before = os.sched_getaffinity(0)
    core = max(before)
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, before)
