"""Compile every kernel and keep it in numba's cache, `python -m streams.warm`."""

from __future__ import annotations

import numpy as np

from schemas.canonical import DOF_COUNT
from schemas.checks import CATALOGUE
from streams import body_plan
from streams.check import BITS, THRESHOLDS
from streams.kernels.continuity import difference_velocity, keep_sign, same_rows
from streams.kernels.frame_checks import NO_STAMP, check_frames
from streams.retarget_plan import warm_retarget


def warm() -> None:
    """Call each of the worker's kernels once with the types it is called with while running."""
    body_plan.warm()
    frames, channels = 2, 1
    rows = np.zeros((frames, channels))
    column = np.zeros(channels)
    nothing, nothing_u8 = np.empty((0, 0)), np.empty((0, 0), np.uint8)
    stamps = np.arange(frames, dtype=np.int64)
    for action in (rows, nothing):
        for absent in (np.zeros((frames, channels), np.uint8), nothing_u8):
            check_frames(
                stamps, 1e6, rows, action, absent, np.zeros(frames, np.uint8),
                column, column, np.zeros(channels, np.uint8), True, THRESHOLDS, BITS,
                NO_STAMP, column.copy(), np.zeros(channels, np.int64), column.copy(),
            )  # fmt: skip
    angle = np.zeros((frames, DOF_COUNT), np.float32)
    difference_velocity(angle, stamps, angle[0], 0, 1e6)
    same_rows(np.zeros((frames, DOF_COUNT), np.uint8))
    pose = np.zeros((frames, 2, 7), np.float32)
    quaternions = np.zeros((5, 4), np.float32)
    keep_sign(pose[:, :, 3:], quaternions[0:2])
    keep_sign(np.zeros((frames, 4), np.float32)[:, None, :], quaternions[4:5])


def main() -> None:
    """Compile them, and those of retargeting, which no worker needs at its start; and say so."""
    warm()
    warm_retarget()
    print(f"kernels are compiled and cached ({len(CATALOGUE)} checks, {DOF_COUNT} DoFs)")


if __name__ == "__main__":
    main()
