"""A data set holds what the lake holds: recomputed here from the segments, with code of its own."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import obstore
import pyarrow.parquet as pq
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from obstore.store import MemoryStore

from schemas.body import DOFS
from schemas.codec import encode
from schemas.embodiment import load_embodiment
from sinks.catalogue import Episode
from sinks.datasets.episode import CorruptEpisodeError, read_frames
from sinks.datasets.export import LAYOUTS, Exported, Format, export
from sinks.datasets.lerobot_v3 import V3
from sinks.datasets.plan import Choice, ExportError
from sinks.datasets.signals import ActionKind, Space
from sinks.lake.columns import by_component
from sinks.objects import read_object
from streams.retarget_plan import compile_target
from tests import make
from tests.lake_make import seal, simulated

STORE = MemoryStore()


@pytest.fixture(scope="module")
def fold() -> list[Episode]:
    """Three episodes of two robots of one type."""
    return seal(STORE, [simulated("unitree", 1, 90), simulated("unitree", 2, 120, episodes=2)])


def run(
    out: Path, episodes: list[Episode], form: Format = Format.LEROBOT_V3, **choice: object
) -> Exported:
    return export(
        Choice("set", **choice),  # type: ignore[arg-type]
        form,
        str(out),
        "all",
        episodes,
        STORE,
        make.vendors(),
        lambda what, done, total: None,
        "cc-by-4.0",
    )


def stored(episode: Episode, columns: list[str]) -> dict[str, np.ndarray]:
    """Columns of an episode as they lie in the lake, by time."""
    manifest = json.loads(read_object(STORE, episode.manifest or ""))
    tables = [
        by_component(pq.read_table(io.BytesIO(read_object(STORE, segment["key"]))))
        for segment in manifest["segments"]
    ]
    names = ["t_ns", *columns]
    held = {name: np.concatenate([table[name].to_numpy() for table in tables]) for name in names}
    order = np.argsort(held["t_ns"], kind="stable")
    return {name: values[order] for name, values in held.items()}


def data(out: Path) -> dict[str, np.ndarray]:
    table = pq.read_table(out / "data")
    return {name: np.array(table[name].to_pylist()) for name in table.column_names}


def info(out: Path) -> dict:
    return json.loads((out / "meta/info.json").read_text())


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


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


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


def test_version_2_1_holds_the_same_rows_a_file_an_episode(tmp_path, fold) -> None:
    three, two = tmp_path / "three", tmp_path / "two"
    run(three, fold)
    run(two, fold, Format.LEROBOT_V21)
    told = info(two)
    for episode in range(len(fold)):
        path = two / told["data_path"].format(episode_chunk=0, episode_index=episode)
        table = pq.read_table(path)
        own = data(three)["episode_index"] == episode
        for name in table.column_names:
            assert (np.array(table[name].to_pylist()) == data(three)[name][own]).all()
    lines = (two / "meta/episodes.jsonl").read_text().splitlines()
    assert [json.loads(line)["length"] for line in lines] == [
        row["length"] for row in pq.read_table(three / "meta/episodes").to_pylist()
    ]
    assert json.loads((two / "meta/stats.json").read_text()) == json.loads(
        (three / "meta/stats.json").read_text()
    )


def test_modalities_cover_the_state_part_by_part(tmp_path, fold) -> None:
    out = tmp_path / "set"
    run(out, fold, Format.LEROBOT_V21)
    told = json.loads((out / "meta/modality.json").read_text())
    names = info(out)["features"]["observation.state"]["names"]
    spans = {name: names[s["start"] : s["end"]] for name, s in told["state"].items()}
    assert [name for part in spans.values() for name in part] == names
    assert list(spans) == ["left_arm", "right_arm", "left_hand", "right_hand"]
    assert all("left" in name for name in spans["left_arm"] + spans["left_hand"])
    assert told["video"] == {}


def test_plain_parquet_has_a_column_a_component(tmp_path, fold) -> None:
    vectors, plain = tmp_path / "vectors", tmp_path / "plain"
    run(vectors, fold)
    run(plain, fold, Format.PARQUET)
    table = pq.read_table(plain / "episodes")
    held, names = data(vectors), info(vectors)["features"]["action"]["names"]
    for place, name in enumerate(names):
        assert (table[f"action.{name}"].to_numpy() == held["action"][:, place]).all()
    told = json.loads((plain / "dataset.json").read_text())
    assert told["stats"] == json.loads((vectors / "meta/stats.json").read_text())
    assert pq.read_table(plain / "episodes.parquet").num_rows == len(fold)


def test_an_mcap_holds_the_robots_own_messages(tmp_path, fold) -> None:
    out = tmp_path / "set"
    target = compile_target(load_embodiment("unitree_h1"))
    done = run(out, fold, Format.MCAP, target=target)
    names = make.vendor("unitree").profile.channel_names
    for place, one in enumerate(done.plan.episodes):
        source = stored(one.episode, [f"position.{name}" for name in names])
        path = out / f"episodes/episode_{place:06d}.mcap"
        held: dict[str, list] = {}
        with path.open("rb") as file:
            reader = make_reader(file, decoder_factories=[DecoderFactory()])
            for _, channel, message, own in reader.iter_decoded_messages():
                held.setdefault(channel.topic, []).append((message.log_time, own))
        assert set(held) >= {
            "/joint_states", "/joint_commands", "/canonical/joint_states", "/tf",
            "/unitree_h1/joint_states",
        }  # fmt: skip
        assert [at for at, _ in held["/joint_states"]] == source["t_ns"].tolist()
        for t, (_, told) in enumerate(held["/joint_states"]):
            assert tuple(told.name) == names
            assert list(told.position) == [source[f"position.{name}"][t] for name in names]
        moved = held["/tf"][0][1].transforms
        assert {"torso", "left_hand", "right_forearm"} <= {t.child_frame_id for t in moved}
        turn = moved[0].transform.rotation
        assert turn.x**2 + turn.y**2 + turn.z**2 + turn.w**2 == pytest.approx(1.0)


class TestWhatCannotBecomeADataSet:
    def test_nothing_chosen(self, tmp_path) -> None:
        with pytest.raises(ExportError, match="no complete episode"):
            run(tmp_path / "set", [])

    def test_several_robots_without_a_target(self, tmp_path, fold) -> None:
        mixed = [*fold, *seal(STORE, [simulated("pollen", 2, 60)])]
        with pytest.raises(ExportError, match=r"mixes 2 robots .* --as"):
            run(tmp_path / "set", mixed)
        assert not (tmp_path / "set").exists()

    def test_a_stream_without_a_whole_limb(self, tmp_path) -> None:
        """A log whose arms lack their elbows, as K-Bot's recordings lack all joints but one."""
        log = simulated("pollen", 9, 60)
        vendor = make.vendor("pollen")
        for place, record in enumerate(log.records):
            value = json.loads(record.value[5:]) if b"l_arm" in record.value else None
            if value is not None:
                for arm in ("l_arm", "r_arm"):
                    value[arm] = [[*row[:3], None, *row[4:]] for row in value[arm]]
                log.records[place] = replace(record, value=encode(vendor.schema, value))
        with pytest.raises(ExportError, match="no limb of it is whole"):
            run(tmp_path / "set", seal(STORE, [log]))

    def test_a_folder_that_is_taken(self, tmp_path, fold) -> None:
        (tmp_path / "note").write_text("mine")
        with pytest.raises(ExportError, match="is there already"):
            run(tmp_path, fold)
        assert (tmp_path / "note").read_text() == "mine"

    def test_an_object_that_was_changed(self, tmp_path) -> None:
        (episode,) = seal(STORE, [simulated("unitree", 77, 60)])
        key = json.loads(read_object(STORE, episode.manifest or ""))["segments"][0]["key"]
        changed = bytearray(read_object(STORE, key))
        changed[len(changed) // 2] ^= 1
        obstore.put(STORE, key, bytes(changed))
        with pytest.raises(CorruptEpisodeError, match="not what was sealed"):
            run(tmp_path / "set", [episode])
        assert not (tmp_path / "set").exists()

    def test_too_few_episodes_for_a_split(self, tmp_path, fold) -> None:
        with pytest.raises(ExportError, match="would be empty"):
            run(tmp_path / "set", fold[:1], splits=(("train", 0.5), ("val", 0.5)))

    def test_delta_without_a_command(self, tmp_path) -> None:
        with pytest.raises(ExportError, match="use next-state"):
            run(tmp_path / "set", seal(STORE, [simulated("pollen", 3, 60)]),
                action=ActionKind.DELTA)  # fmt: skip


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
