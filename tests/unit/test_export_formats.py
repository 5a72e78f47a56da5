"""Every format holds the same numbers, and what its readers want beside them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from schemas.body import DOFS
from schemas.embodiment import load_embodiment
from sinks.catalogue import Episode
from sinks.datasets.export import Format
from streams.retarget_plan import compile_target
from tests import make
from tests.export_make import data, folding, info, run, stored


@pytest.fixture(scope="module")
def fold() -> list[Episode]:
    return folding()


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
    lines = (two / "meta/episodes_stats.jsonl").read_text().splitlines()
    for episode, line in enumerate(lines):
        stats = json.loads(line)["stats"]["observation.state"]
        values = data(three)["observation.state"][data(three)["episode_index"] == episode]
        values = values.astype(np.float64)
        assert stats["count"] == [len(values)]
        np.testing.assert_allclose(stats["mean"], values.mean(axis=0), atol=1e-9)
        np.testing.assert_allclose(stats["std"], values.std(axis=0), atol=1e-9)
        np.testing.assert_allclose(stats["q99"], np.quantile(values, 0.99, axis=0), atol=1e-9)


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
    held, told = data(vectors), info(vectors)["features"]
    for feature in ("observation.state", "action", "observation.environment_state"):
        for place, name in enumerate(told[feature]["names"]):
            assert (table[f"{feature}.{name}"].to_numpy() == held[feature][:, place]).all()
    for name in ("timestamp", "frame_index", "episode_index", "index", "quality.flags"):
        assert (table[name].to_numpy() == held[name]).all()
    told = json.loads((plain / "dataset.json").read_text())
    assert told["stats"] == json.loads((vectors / "meta/stats.json").read_text())
    assert pq.read_table(plain / "episodes.parquet").num_rows == len(fold)


def test_an_mcap_holds_the_robots_own_messages(tmp_path, fold) -> None:
    out = tmp_path / "set"
    target = compile_target(load_embodiment("unitree_h1"))
    done = run(out, fold, Format.MCAP, target=target)
    names = make.vendor("unitree").profile.channel_names
    for place, one in enumerate(done.plan.episodes):
        source = stored(
            one.episode,
            [f"{s}.{n}" for s in ("position", "action") for n in names]
            + [f"angle.{dof}" for dof in DOFS],
        )
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
        for t, (at, told) in enumerate(held["/joint_commands"]):
            assert at == source["t_ns"][t]
            assert list(told.position) == [source[f"action.{name}"][t] for name in names]
        for t, (_, told) in enumerate(held["/canonical/joint_states"]):
            there = [dof for dof in DOFS if np.isfinite(source[f"angle.{dof}"][t])]
            assert list(told.name) == there
            assert list(told.position) == [source[f"angle.{dof}"][t] for dof in there]
        moved = held["/tf"][0][1].transforms
        assert {"torso", "left_hand", "right_forearm"} <= {t.child_frame_id for t in moved}
        turn = moved[0].transform.rotation
        assert turn.x**2 + turn.y**2 + turn.z**2 + turn.w**2 == pytest.approx(1.0)
