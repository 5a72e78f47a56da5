"""A data set holds what the lake holds: recomputed here from the segments, with code of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.body import DOFS
from schemas.embodiment import load_embodiment
from sinks.catalogue import Episode
from sinks.datasets.episode import read_frames
from sinks.datasets.export import LAYOUTS, Format
from sinks.datasets.lerobot_v3 import V3
from sinks.datasets.signals import ActionKind, Space
from streams.retarget_plan import compile_target
from tests.export_make import STORE, data, digests, folding, info, run, stored
from tests.lake_make import seal, simulated


@pytest.fixture(scope="module")
def fold() -> list[Episode]:
    return folding()


def test_every_value_is_the_stored_one_or_lies_on_the_line_between_two(tmp_path, fold) -> None:
    out = tmp_path / "set"
    done = run(out, fold)
    held, names = data(out), info(out)["features"]["observation.state"]["names"]
    rows = pq.read_table(out / "meta/episodes").to_pylist()
    assert [row["length"] for row in rows] == np.bincount(held["episode_index"]).tolist()
    assert done.frames == info(out)["total_frames"] == len(held["index"])
    for row in rows:
        episode = next(one for one in fold if one.episode == row["episode_id"])
        source = stored(episode, [f"{s}.{n}" for s in ("position", "action") for n in names])
        own = held["episode_index"] == row["episode_index"]
        at_ns = source["t_ns"][0] + np.arange(row["length"]) * 1e9 / info(out)["fps"]
        seconds = (source["t_ns"] - source["t_ns"][0]) / 1e9
        for c, name in enumerate(names):
            expected = np.interp(
                (at_ns - source["t_ns"][0]) / 1e9, seconds, source[f"position.{name}"]
            )
            found = held["observation.state"][own][:, c]
            np.testing.assert_allclose(found, expected, atol=2e-6)
            ends = at_ns + 1e9 / info(out)["fps"]
            latest = np.searchsorted(source["t_ns"], ends - 0.5, side="left") - 1
            command = source[f"action.{name}"][latest].astype(np.float32)
            assert (held["action"][own][:, c] == command).all()
        assert held["timestamp"][own] == pytest.approx(np.arange(row["length"]) / 30, abs=1e-4)


def test_statistics_are_those_of_the_rows(tmp_path, fold) -> None:
    out = tmp_path / "set"
    run(out, fold)
    held = data(out)
    told = json.loads((out / "meta/stats.json").read_text())
    rows = pq.read_table(out / "meta/episodes").to_pylist()
    for feature in ("observation.state", "action", "observation.environment_state"):
        values = held[feature]
        stats = told[feature]
        np.testing.assert_allclose(stats["min"], values.min(axis=0), atol=1e-7)
        np.testing.assert_allclose(stats["max"], values.max(axis=0), atol=1e-7)
        np.testing.assert_allclose(stats["mean"], values.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(stats["std"], values.std(axis=0), atol=1e-6)
        assert stats["count"] == [len(values)]
        for name, q in (("q01", 0.01), ("q10", 0.1), ("q50", 0.5), ("q90", 0.9), ("q99", 0.99)):
            exact = np.quantile(values.astype(np.float64), q, axis=0)
            # Of each neighbour's value all but 4 of its 32 bits.
            size = np.abs(values).max(axis=0) * 2.0**-19
            assert (np.abs(np.array(stats[name]) - exact) <= size + 1e-12).all()
        for row in rows:
            own = values[held["episode_index"] == row["episode_index"]]
            np.testing.assert_allclose(row[f"stats/{feature}/q90"], np.quantile(own, 0.9, axis=0),
                                       atol=1e-6)  # fmt: skip


def test_the_same_selection_gives_the_same_bytes_in_any_order(tmp_path, fold) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    run(first, fold)
    run(second, fold[::-1])
    assert digests(first) == digests(second)


def test_an_export_that_ended_anywhere_goes_on_to_the_same_bytes(
    tmp_path, fold, monkeypatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    monkeypatch.setitem(LAYOUTS, Format.LEROBOT_V3, replace(V3, file_bytes=0))
    run(whole, fold)
    for stop in (1, 1, 0):
        with monkeypatch.context() as patch:
            patch.setattr("sinks.datasets.step.read_frames", Ends(stop))
            with pytest.raises(KeyboardInterrupt):
                run(broken, fold)
        assert not broken.exists(), "nothing is published before it is whole"
    run(broken, fold)
    assert digests(broken) == digests(whole)
    assert not list(tmp_path.glob("*.building*"))


class Ends:
    """Reads some episodes, then ends the process."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, *arguments: object) -> object:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return read_frames(*arguments)  # type: ignore[arg-type]


def test_splits_are_ranges_and_statistics_are_of_the_training_one(tmp_path, fold) -> None:
    out = tmp_path / "set"
    done = run(out, fold, splits=(("train", 0.6), ("val", 0.4)))
    spans = sorted(done.plan.splits.values())
    assert spans[0][0] == 0
    assert spans[-1][1] == len(fold)
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    first, stop = done.plan.splits["train"]
    held = data(out)
    own = (held["episode_index"] >= first) & (held["episode_index"] < stop)
    told = json.loads((out / "meta/stats.json").read_text())
    np.testing.assert_allclose(
        told["observation.state"]["max"], held["observation.state"][own].max(axis=0), atol=1e-7
    )


def test_canonical_leaves_absent_dofs_out_or_masks_them(tmp_path, fold) -> None:
    out, full = tmp_path / "set", tmp_path / "full"
    run(out, fold, space=Space.CANONICAL)
    run(full, fold, space=Space.CANONICAL, full=True)
    names = info(out)["features"]["observation.state"]["names"]
    assert "left_elbow_flexion" in names
    assert "left_knee_flexion" not in names
    held, told = data(full), json.loads((full / "meta/stats.json").read_text())
    assert info(full)["features"]["observation.state"]["names"] == list(DOFS)
    valid = held["observation.state_valid"]
    assert valid[:, DOFS.index("left_elbow_flexion")].all()
    assert not valid[:, DOFS.index("left_knee_flexion")].any()
    assert (held["observation.state"][~valid] == 0).all()
    elbow = DOFS.index("left_elbow_flexion")
    assert told["observation.state"]["mean"][elbow] == pytest.approx(
        held["observation.state"][:, elbow].mean(), abs=1e-6
    )
    first = min(fold, key=lambda one: (one.t_first_ns, one.episode))
    source = stored(first, ["angle.left_elbow_flexion"])
    assert data(out)["observation.state"][0, names.index("left_elbow_flexion")] == pytest.approx(
        source["angle.left_elbow_flexion"][0], abs=1e-6
    )


def test_as_another_robot_carries_the_solve_record(tmp_path, fold) -> None:
    out = tmp_path / "set"
    target = compile_target(load_embodiment("unitree_h1"))
    run(out, fold, target=target)
    held = data(out)
    assert info(out)["robot_type"] == "unitree_h1"
    assert info(out)["features"]["observation.state"]["names"] == list(target.joint_names)
    assert held["retarget.residual_pct"].shape[1] == len(target.limb_names)
    assert held["retarget.reachable"].dtype == np.bool_


def test_next_state_and_delta(tmp_path, fold) -> None:
    following, delta = tmp_path / "next", tmp_path / "delta"
    run(following, fold, action=ActionKind.NEXT_STATE)
    run(delta, fold, action=ActionKind.DELTA)
    held = data(following)
    own = held["episode_index"] == 0
    state, action = held["observation.state"][own], held["action"][own]
    assert (action[:-1] == state[1:]).all()
    assert (action[-1] == state[-1]).all()
    run(tmp_path / "command", fold)
    commanded, changed = data(tmp_path / "command"), data(delta)
    np.testing.assert_allclose(
        changed["action"], commanded["action"] - commanded["observation.state"], atol=1e-6
    )
    assert info(following)["action_source"] == "next-state"


def test_a_robot_without_commands_gives_the_next_state(tmp_path) -> None:
    done = run(tmp_path / "set", seal(STORE, [simulated("pollen", 1, 60)]))
    assert done.plan.signals.action is ActionKind.NEXT_STATE
    assert "send no command" in (tmp_path / "set/README.md").read_text()


def test_canonical_commands_are_of_the_dofs_that_commands_move(tmp_path) -> None:
    """Fourier's fingers are commanded by codes, which are no positions: they get the next state."""
    out = tmp_path / "set"
    done = run(out, seal(STORE, [simulated("fourier", 1, 60)]), space=Space.CANONICAL)
    assert "left_elbow_flexion" in done.plan.signals.commanded
    assert not any("index" in name for name in done.plan.signals.commanded)
    held, finger = data(out), done.plan.signals.state.index("left_index_flexion")
    state, action = held["observation.state"][:, finger], held["action"][:, finger]
    assert (action[:-1] == state[1:]).all()
    assert "No command comes for left_thumb_rotation" in (out / "README.md").read_text()


def test_poses_and_angles_lie_between_the_stored_ones(tmp_path, fold) -> None:
    """Positions on straight lines, rotations between their neighbours, angles of the body too."""
    out = tmp_path / "set"
    run(out, fold, space=Space.CANONICAL)
    held, told = data(out), info(out)["features"]
    dofs = told["observation.state"]["names"]
    parts = told["observation.environment_state"]["names"]
    for row in pq.read_table(out / "meta/episodes").to_pylist():
        episode = next(one for one in fold if one.episode == row["episode_id"])
        ends = [f"left_hand.{part}" for part in ("x", "y", "z", "qw", "qx", "qy", "qz")]
        source = stored(episode, [*(f"angle.{dof}" for dof in dofs), *ends])
        own = held["episode_index"] == row["episode_index"]
        seconds = (source["t_ns"] - source["t_ns"][0]) / 1e9
        at = np.arange(row["length"]) / info(out)["fps"]
        assert row["length"] == int(seconds[-1] * info(out)["fps"] + 1e-6) + 1
        for c, dof in enumerate(dofs):
            expected = np.interp(at, seconds, source[f"angle.{dof}"])
            np.testing.assert_allclose(held["observation.state"][own][:, c], expected, atol=3e-6)
        for axis in "xyz":
            found = held["observation.environment_state"][own][:, parts.index(f"left_hand.{axis}")]
            expected = np.interp(at, seconds, source[f"left_hand.{axis}"])
            np.testing.assert_allclose(found, expected, atol=2e-6)
        w, x, y, z = (source[f"left_hand.{part}"] for part in ("qw", "qx", "qy", "qz"))
        turned = {"r11": 1 - 2 * (y * y + z * z), "r21": 2 * (x * y + w * z),
                  "r12": 2 * (x * y - w * z), "r32": 2 * (y * z + w * x)}  # fmt: skip
        for name, values in turned.items():
            found = held["observation.environment_state"][own][:, parts.index(f"left_hand.{name}")]
            np.testing.assert_allclose(found, np.interp(at, seconds, values), atol=2e-4)
