"""Each per-frame check: found where it is, named, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.checks import CATALOGUE, FRAME_CHECKS
from streams.kernels import findings as kernel
from tests import make

FRAMES = 40
ELBOW = 3  # motor of GR1's left elbow


def findings(
    position: np.ndarray | None = None,
    stamps: np.ndarray | None = None,
    action: np.ndarray | None = None,
) -> dict[str, Any]:
    """Findings of one chunk of a GR1 at rest, with the arrays that are given instead, by check."""
    if position is None:
        position = np.zeros((FRAMES, 44))
    if stamps is None:
        stamps = np.arange(FRAMES) / 20.0
    value = make.gr1_value(position, stamps, action)
    return {f.check: f for f in make.findings(make.run([make.chunk("fourier", value, FRAMES)])[1])}


def test_a_clean_chunk_has_no_finding() -> None:
    assert findings() == {}


@pytest.mark.parametrize(
    ("change", "check", "frame"),
    [
        (lambda t: t[10:].__iadd__(1.0), "gap", 10),
        (lambda t: t[7:].__iadd__(0.1), "jitter", 7),
        (lambda t: t.__setitem__(5, t[4]), "duplicate_stamp", 5),
        (lambda t: t.__setitem__(9, t[7]), "out_of_order", 9),
    ],
)
def test_time(change: Any, check: str, frame: int) -> None:
    stamps = np.arange(FRAMES) / 20.0
    change(stamps)
    found = findings(stamps=stamps)
    assert found[check].first_frame == frame
    assert found[check].channel is None
    assert found.keys() <= {check, "jitter"}


def test_a_position_beyond_its_limit_names_joint_and_amount() -> None:
    position = np.zeros((FRAMES, 44))
    joint = make.vendor("fourier").embodiment.joints[
        make.vendor("fourier").embodiment.joint_index["left_elbow_pitch_joint"]
    ]
    assert joint.lower is not None
    position[12:15, ELBOW] = joint.lower - 0.2
    found = findings(position)["joint_limit"]
    assert (found.channel, found.first_frame, found.last_frame, found.frames) == (
        "left_elbow_pitch_joint", 12, 15, 3,
    )  # fmt: skip
    assert found.value == pytest.approx(0.2)


def test_a_joint_that_stands_still_while_commanded_is_frozen_after_a_second() -> None:
    position = np.zeros((FRAMES, 44))
    action = np.zeros((FRAMES, 44))
    action[:, ELBOW] = -np.linspace(0, 0.5, FRAMES)
    found = findings(position, action=action)
    assert found.keys() == {"frozen_joint"}
    assert found["frozen_joint"].channel == "left_elbow_pitch_joint"
    # Flagged from one second on; the finding goes back to where the joint stopped.
    assert (found["frozen_joint"].first_frame, found["frozen_joint"].last_frame) == (0, FRAMES)
    assert found["frozen_joint"].frames <= 20


def test_a_joint_that_is_not_commanded_may_stand_still() -> None:
    assert findings(action=np.zeros((FRAMES, 44))) == {}


def test_a_null_in_json_is_missing_and_not_wrong() -> None:
    value = make.reachy_value(2, l_arm=[[0.0] * 7, [None] + [0.0] * 6])
    outputs = make.run([make.chunk("pollen", value, 2)])[1]
    found = {f.check: f for f in make.findings(outputs)}
    assert found["missing_value"].channel == "l_shoulder_pitch"
    assert "non_finite" not in found
    (chunk,) = make.chunks(outputs)
    assert np.isnan(chunk.position[1, 0])


def test_kernel_rows_and_bits_stand_in_the_catalogue_s_order() -> None:
    rows = [check.id.upper() for check in FRAME_CHECKS]
    assert [getattr(kernel, name) for name in rows] == list(range(kernel.ROWS))
    assert [check.bit for check in FRAME_CHECKS] == list(range(kernel.ROWS))
    assert all(check.bit is None for check in CATALOGUE if check.scope != "frame")
