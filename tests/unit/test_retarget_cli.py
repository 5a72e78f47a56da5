"""`kinebus canonicalise` and `kinebus retarget` on files, and what they say to bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner

from deploy.cli.app import app
from deploy.cli.out import Exit
from schemas.body import DOFS, SEGMENTS, Status
from schemas.embodiment import dump_embodiment, load_embodiment

G1, GR1 = "unitree_g1_29dof", "fourier_gr1t2_inspire"
FRAMES = 40


def write_motion(path: Path, name: str = G1, **changed: object) -> Path:
    robot = load_embodiment(name)
    names = [joint.name for joint in robot.joints]
    swing = 0.3 * np.sin(np.arange(FRAMES) / 10.0)
    rest = np.array([robot.neutral.get(joint, 0.0) for joint in names])
    limits = [(joint.lower, joint.upper) for joint in robot.joints]
    lower, upper = np.array(limits, dtype=np.float64).T
    arrays: dict[str, object] = {
        "joint_names": np.array(names),
        "position_rad": np.clip(rest + 0.4 + swing[:, None], lower, upper),
        "t_ns": np.arange(FRAMES, dtype=np.int64) * 20_000_000,
    }
    arrays |= changed
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})  # type: ignore[arg-type]
    return path


def kinebus(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


def test_canonicalise_writes_the_fields_it_promises(tmp_path: Path) -> None:
    file = write_motion(tmp_path / "in.npz")
    code, said = kinebus("canonicalise", "--embodiment", G1, file, tmp_path / "out.npz")
    assert code == Exit.OK, said
    with np.load(tmp_path / "out.npz") as out:
        shapes = {name: out[name].shape for name in out}
        assert tuple(out["dof_names"]) == DOFS
        assert tuple(out["segment_names"]) == SEGMENTS
        assert out["status"].dtype == np.uint8
        assert (out["t_ns"] == np.load(file)["t_ns"]).all()
    assert shapes == {
        "dof_names": (44,), "angle": (FRAMES, 44), "status": (FRAMES, 44),
        "segment_names": (15,), "segment_quat": (FRAMES, 15, 4), "segment_status": (FRAMES, 15),
        "key_position_m": (FRAMES, 15, 3), "hand_pose": (FRAMES, 2, 7),
        "foot_pose": (FRAMES, 2, 7), "t_ns": (FRAMES,),
        "limb_names": (4,), "limb_make": (4,),
    }  # fmt: skip


def test_a_subset_of_joints_leaves_the_rest_absent(tmp_path: Path) -> None:
    file = write_motion(
        tmp_path / "in.npz",
        joint_names=np.array(["left_elbow_joint"]),
        position_rad=np.zeros((FRAMES, 1), np.float32),
    )
    code, said = kinebus("canonicalise", "--embodiment", G1, file, tmp_path / "out.npz")
    assert code == Exit.OK, said
    with np.load(tmp_path / "out.npz") as out:
        measured = out["status"][0] == Status.MEASURED
        assert [dof for dof, is_measured in zip(DOFS, measured, strict=True) if is_measured] == [
            "left_elbow_flexion"
        ]


def test_through_canonical_or_at_once_the_result_is_the_same(tmp_path: Path) -> None:
    file = write_motion(tmp_path / "in.npz")
    canonical, one, other = (tmp_path / f"{name}.npz" for name in ("canonical", "one", "other"))
    assert kinebus("canonicalise", "--embodiment", G1, file, canonical)[0] == Exit.OK
    assert kinebus("retarget", "--from", "canonical", "--to", GR1, canonical, one)[0] == Exit.OK
    code, said = kinebus("retarget", "--from", G1, "--to", GR1, file, other, "--json")
    assert code == Exit.OK, said
    assert orjson.loads(said)["limbs"]["left_arm"]["followed"] == FRAMES
    assert one.read_bytes() == other.read_bytes()
    with np.load(one) as out:
        limbs = len(out["limb_names"])
        assert out["position_rad"].shape == (FRAMES, len(out["joint_names"]))
        for name in ("reachable", "clamped", "velocity_limited", "reseeded"):
            assert out[name].shape == (FRAMES, limbs)
            assert out[name].dtype == np.bool_
        assert out["residual_pct"].shape == out["residual_rad"].shape == (FRAMES, limbs)
        assert out["reachable"][:, :2].any()


def test_to_itself_the_motion_comes_back(tmp_path: Path) -> None:
    file = write_motion(tmp_path / "in.npz")
    canonical, at_once, through = (tmp_path / f"{name}.npz" for name in ("c", "a", "t"))
    assert kinebus("canonicalise", "--embodiment", G1, file, canonical)[0] == Exit.OK
    assert kinebus("retarget", "--from", G1, "--to", G1, file, at_once)[0] == Exit.OK
    assert kinebus("retarget", "--from", "canonical", "--to", G1, canonical, through)[0] == Exit.OK
    for out in (at_once, through):
        with np.load(file) as given, np.load(out) as got:
            assert list(given["joint_names"]) == list(got["joint_names"])
            np.testing.assert_allclose(got["position_rad"], given["position_rad"], atol=1e-5)


def test_a_canonical_file_without_makes_is_any_robots(tmp_path: Path) -> None:
    file, canonical = write_motion(tmp_path / "in.npz"), tmp_path / "canonical.npz"
    assert kinebus("canonicalise", "--embodiment", G1, file, canonical)[0] == Exit.OK
    with np.load(canonical) as held:
        np.savez(tmp_path / "bare.npz", **{k: held[k] for k in held if not k.startswith("limb_")})
    out = tmp_path / "out.npz"
    words = ("retarget", "--from", "canonical", "--to", GR1, tmp_path / "bare.npz", out)
    assert kinebus(*words)[0] == Exit.OK


def test_an_embodiment_may_be_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(dump_embodiment(load_embodiment(G1)), encoding="utf-8")
    file, out = write_motion(tmp_path / "in.npz"), tmp_path / "out.npz"
    assert kinebus("retarget", "--from", own, "--to", own, file, out)[0] == Exit.OK


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"joint_names": None}, "lacks joint_names"),
        ({"position_rad": np.zeros((FRAMES, 3))}, "position_rad is"),
        ({"position_rad": np.zeros(FRAMES)}, "position_rad is"),
        ({"position_rad": np.full((FRAMES, 29), "0.1")}, "are no numbers"),
        ({"t_ns": np.arange(FRAMES - 1)}, "t_ns is"),
        ({"t_ns": np.linspace(0, 1, FRAMES)}, "t_ns are no integers"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(
    tmp_path: Path, changed: dict[str, object], says: str
) -> None:
    file = write_motion(tmp_path / "in.npz", **changed)
    code, said = kinebus("canonicalise", "--embodiment", G1, file, tmp_path / "out.npz")
    assert code == Exit.FAILURE
    assert says in said
    assert not (tmp_path / "out.npz").exists()


def test_an_unknown_joint_is_named_with_what_may_be_meant(tmp_path: Path) -> None:
    file = write_motion(
        tmp_path / "in.npz",
        joint_names=np.array(["left_elbow"]),
        position_rad=np.zeros((FRAMES, 1)),
    )
    code, said = kinebus("retarget", "--from", G1, "--to", GR1, file, tmp_path / "out.npz")
    assert code == Exit.FAILURE
    assert "no joint named 'left_elbow'; did you mean left_elbow_joint" in said


def test_what_is_no_npz_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"not a zip", b"PK\x03\x04broken"):
        file = tmp_path / "in.npz"
        file.write_bytes(content)
        code, said = kinebus("canonicalise", "--embodiment", G1, file, tmp_path / "out.npz")
        assert code == Exit.FAILURE, said
        assert "cannot read" in said


def test_options_that_name_nothing_are_a_usage_error(tmp_path: Path) -> None:
    file, out = write_motion(tmp_path / "in.npz"), tmp_path / "out.npz"
    code, said = kinebus("canonicalise", "--embodiment", "unitree_g7", file, out)
    assert (code, "no embodiment named 'unitree_g7'" in said) == (Exit.USAGE, True)
    code, said = kinebus("retarget", "--from", G1, "--to", "kscale_kbot", file, out)
    assert (code, "joint level only" in said) == (Exit.USAGE, True)
    code, said = kinebus("retarget", "--from", "kscale_kbot", "--to", G1, file, out)
    assert (code, "joint level only" in said) == (Exit.USAGE, True)
    assert kinebus("canonicalise", "--embodiment", G1, tmp_path / "none.npz", out)[0] == Exit.USAGE
    code, said = kinebus("canonicalise", "--embodiment", G1, file, tmp_path / "no" / "out.npz")
    assert (code, "cannot write" in said) == (Exit.FAILURE, True)
