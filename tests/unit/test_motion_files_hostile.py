"""Files of motion as a careless or hostile user writes them, on robots of every shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.cli.app import app
from deploy.cli.out import Exit
from schemas.body import DOFS, SEGMENT_INDEX, Status
from schemas.embodiment import dump_embodiment, load_embodiment

G1 = "unitree_g1_29dof"
# One of each: torso-rooted or lifting, wheeled, legs only, one arm, with fingers, small.
SHAPES = (
    "booster_t1_locomotion",
    "fourier_gr1t2_inspire",
    "hello_robot_stretch_se3",
    "iit_icub",
    "pollen_reachy2",
    "rainbow_rby1a",
    "unitree_g1_dual_arm",
    "xhumanoid_tienkung_lite",
)


def kinebus(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def write(path: Path, names: object, position: object, t_ns: object) -> Path:
    np.savez(path, joint_names=names, position_rad=position, t_ns=t_ns)  # type: ignore[arg-type]
    return path


def motors(name: str) -> list[str]:
    return [j.name for j in load_embodiment(name).joints if j.mimic is None]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("frames", [0, 1, 3])
def test_every_shape_of_robot_goes_there_and_back(name: str, frames: int, tmp_path: Path) -> None:
    names = motors(name)
    file = write(
        tmp_path / "in.npz",
        np.array(names),
        np.zeros((frames, len(names)), np.float32),
        np.arange(frames, dtype=np.int64) * 20_000_000,
    )
    canonical, out = tmp_path / "canonical", tmp_path / "out.npz"
    code, said = kinebus("canonicalise", "--embodiment", name, file, canonical)
    assert code == Exit.OK, said
    with np.load(canonical) as held:
        assert held["angle"].shape == held["status"].shape == (frames, len(DOFS))
        assert held["segment_quat"].shape == (frames, 15, 4)
        absent = held["status"] == Status.ABSENT
        np.testing.assert_array_equal(np.isnan(held["angle"]), absent)
        gone = held["segment_status"] == Status.ABSENT
        np.testing.assert_array_equal(np.isnan(held["segment_quat"]).any(axis=2), gone)
        np.testing.assert_array_equal(np.isnan(held["key_position_m"]).any(axis=2), gone)
    for source, motion, target in (
        ("canonical", canonical, name),
        ("canonical", canonical, G1),
        (name, file, "unitree_h1"),
    ):
        code, said = kinebus("retarget", "--from", source, "--to", target, motion, out)
        assert code == Exit.OK, said
        with np.load(out) as held:
            assert held["position_rad"].shape == (frames, len(held["joint_names"]))
            assert np.isfinite(held["position_rad"]).all()
            limbs = len(held["limb_names"])
            assert held["reachable"].shape == held["residual_pct"].shape == (frames, limbs)


def test_what_is_not_finite_makes_its_own_dofs_absent_and_nothing_else(tmp_path: Path) -> None:
    names = motors(G1)
    position = np.zeros((3, len(names)))
    position[0, names.index("left_elbow_joint")] = np.nan
    position[1, names.index("left_elbow_joint")] = np.inf
    times = np.arange(3, dtype=np.int64) * 20_000_000
    file, out = write(tmp_path / "in.npz", np.array(names), position, times), tmp_path / "out.npz"
    assert kinebus("canonicalise", "--embodiment", G1, file, out)[0] == Exit.OK
    with np.load(out) as held:
        elbow = DOFS.index("left_elbow_flexion")
        assert list(held["status"][:, elbow]) == [Status.ABSENT, Status.ABSENT, Status.MEASURED]
        assert held["segment_status"][0, SEGMENT_INDEX["left_hand"]] == Status.IMPUTED
        assert np.isfinite(held["segment_quat"]).all()
        other = [d for d in range(32) if d != elbow and "left_wrist" not in DOFS[d]]
        assert (held["status"][0, other] == held["status"][2, other]).all()


def test_times_that_go_back_or_stand_still_break_no_limit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = motors(G1)
    position = rng.uniform(-0.5, 0.5, (60, len(names)))
    times = np.arange(60, dtype=np.int64) * 20_000_000
    times[20], times[30] = times[5], times[29]
    times[40:] += 10**12
    file, out = write(tmp_path / "in.npz", np.array(names), position, times), tmp_path / "out.npz"
    code, said = kinebus("retarget", "--from", G1, "--to", "unitree_h1", file, out)
    assert code == Exit.OK, said
    robot = load_embodiment("unitree_h1")
    with np.load(out) as held:
        speed = np.array(
            [robot.joints[robot.joint_index[str(n)]].velocity or 10.0 for n in held["joint_names"]]
        )
        moved = np.abs(np.diff(held["position_rad"], axis=0))
        passed = np.diff(np.maximum.accumulate(times))[:, None] * 1e-9
        within = moved <= speed * passed
        assert within[(passed < 0.5)[:, 0]].all()


def test_bytes_are_names_and_objects_are_refused(tmp_path: Path) -> None:
    times = np.zeros(1, dtype=np.int64)
    out = tmp_path / "out.npz"
    as_bytes = write(tmp_path / "b.npz", np.array([b"left_elbow_joint"]), np.zeros((1, 1)), times)
    assert kinebus("canonicalise", "--embodiment", G1, as_bytes, out)[0] == Exit.OK
    objects = np.array(["left_elbow_joint", None], dtype=object)
    file = write(tmp_path / "o.npz", objects, np.zeros((1, 2)), times)
    code, said = kinebus("canonicalise", "--embodiment", G1, file, out)
    assert (code, "cannot read" in said) == (Exit.FAILURE, True)


def test_an_embodiment_file_may_have_any_name(tmp_path: Path) -> None:
    own = tmp_path / "robot.embodiment"
    own.write_text(dump_embodiment(load_embodiment(G1)), encoding="utf-8")
    file = write(
        tmp_path / "in.npz",
        np.array(["left_elbow_joint"]),
        np.zeros((1, 1)),
        np.zeros(1, dtype=np.int64),
    )
    assert kinebus("canonicalise", "--embodiment", own, file, tmp_path / "o.npz")[0] == Exit.OK


@pytest.mark.parametrize("content", [b"<robot/>", b"[1, 2]", b"\xff\xfe", b"{}", b"[" * 100_000])
def test_what_is_no_embodiment_is_a_usage_error(content: bytes, tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_bytes(content)
    file = write(tmp_path / "in.npz", np.array(["a"]), np.zeros((1, 1)), np.zeros(1, np.int64))
    code, said = kinebus("canonicalise", "--embodiment", own, file, tmp_path / "o.npz")
    assert code == Exit.USAGE
    assert "embodiment" in said


def test_canonical_files_with_what_is_no_rotation_are_refused(tmp_path: Path) -> None:
    names = motors(G1)
    file = write(
        tmp_path / "in.npz", np.array(names), np.zeros((2, len(names))), np.arange(2) * 10**7
    )
    canonical, bad = tmp_path / "c.npz", tmp_path / "bad.npz"
    assert kinebus("canonicalise", "--embodiment", G1, file, canonical)[0] == Exit.OK
    with np.load(canonical) as held:
        arrays = {k: held[k] for k in held}
    arrays["segment_quat"] = np.zeros_like(arrays["segment_quat"])
    np.savez(bad, **arrays)
    words = ("retarget", "--from", "canonical", "--to", G1, bad, tmp_path / "o.npz")
    code, said = kinebus(*words)
    assert (code, "no unit quaternions" in said) == (Exit.FAILURE, True)
