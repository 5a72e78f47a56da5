"""Compile every kernel and keep it in numba's cache, `python -m streams.warm`."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from schemas.canonical import DOF_COUNT
from schemas.checks import CATALOGUE
from streams import body_plan
from streams.check import warm_checks
from streams.kernels.base_rotation import euler_quaternions, unit_quaternions
from streams.kernels.continuity import difference_velocity, keep_sign, same_rows
from streams.retarget_plan import warm_retarget


def warm() -> None:
    """Call each of the worker's kernels once with the types it is called with while running."""
    body_plan.warm()
    frames = 2
    stamps = np.arange(frames, dtype=np.int64)
    warm_checks()
    angle = np.zeros((frames, DOF_COUNT), np.float32)
    difference_velocity(angle, stamps, angle[0], 0, 1e6)
    same_rows(np.zeros((frames, DOF_COUNT), np.uint8))
    unit_quaternions(euler_quaternions(np.zeros((frames, 3)), np.arange(3)), 0)
    pose = np.zeros((frames, 2, 7), np.float32)
    quaternions = np.zeros((5, 4), np.float32)
    keep_sign(pose[:, :, 3:], quaternions[0:2])
    keep_sign(np.zeros((frames, 4), np.float32)[:, None, :], quaternions[4:5])


def main() -> None:
    """Compile them, and beside them those of retargeting, which no worker needs at its start."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        for compiled in [pool.submit(warm), pool.submit(warm_retarget)]:
            compiled.result()
    print(f"kernels are compiled and cached ({len(CATALOGUE)} checks, {DOF_COUNT} DoFs)")


if __name__ == "__main__":
    main()
