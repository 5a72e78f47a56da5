"""How much the checks cost: a motion as a decoder hands it on, canonicalised and checked."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producers.fleet.made_vendors import write_robots
from schemas.embodiment import Embodiment
from schemas.vendors import Vendor, load_vendors
from streams.body_plan import canonicalise, compile_plan
from streams.check import check_chunk, compile_checks, fresh_checks_of
from streams.decode import RawChunk

F64 = NDArray[np.float64]

GRAVITY: Final = 9.80665


def checking(
    robot: Embodiment, position: F64, rate_hz: float, chunk: int, repeats: int
) -> Callable[[], float]:
    """What canonicalises and checks a motion; each call gives CPU seconds for all frames.

    Args:
        robot: whose motion it is; every joint reports position, velocity and effort, the base its
            orientation and an IMU.
        position: [T, B] rad or m.
        rate_hz: of the motion.
        chunk: frames in a chunk.
        repeats: how often the motion is gone through in a call.
    """
    vendor = _vendor(robot, rate_hz)
    profile = vendor.profile
    column = [robot.joint_index[name] for name in profile.channel_joints if name is not None]
    body = compile_plan(robot, profile.channel_joints, profile.channel_dofs, profile.assume)
    plan = compile_checks(profile, robot)
    chunks = _chunks(np.ascontiguousarray(position[:, column]), rate_hz, chunk)

    def once() -> float:
        start = time.process_time()
        for _ in range(repeats):
            state = fresh_checks_of(plan)
            for k, raw in enumerate(chunks):
                near = canonicalise(body, raw.position, None).near_pole
                state, _, _ = check_chunk(plan, state, raw, near, k * chunk)
        return (time.process_time() - start) / repeats

    return once


def _vendor(robot: Embodiment, rate_hz: float) -> Vendor:
    with tempfile.TemporaryDirectory(prefix="kinebus-bench-") as folder:
        (name,) = write_robots(Path(folder), [robot.id], rate_hz)
        return load_vendors(Path(folder)).newest(name)


def _chunks(position: F64, rate_hz: float, size: int) -> list[RawChunk]:
    frames = len(position)
    stamp_ns = np.arange(frames, dtype=np.int64) * round(1e9 / rate_hz)
    velocity = np.gradient(position, 1.0 / rate_hz, axis=0)
    base = {
        "base_quaternion": np.tile([1.0, 0.0, 0.0, 0.0], (frames, 1)),
        "base_angular_velocity": np.zeros((frames, 3)),
        "base_acceleration": np.tile([0.0, 0.0, GRAVITY], (frames, 1)),
    }
    cut = [slice(t, t + size) for t in range(0, frames, size)]
    return [
        RawChunk(
            None, stamp_ns[part], position[part], velocity[part], np.zeros_like(position[part]),
            None, None, {name: values[part] for name, values in base.items()},
        )
        for part in cut
    ]  # fmt: skip
