"""Embodiments: what is shipped is sound, round trips, and contradictions are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schemas.body import COMPLEX_NAMES
from schemas.embodiment import (
    Embodiment,
    EmbodimentError,
    dump_embodiment,
    embodiment_names,
    load_embodiment,
)

G1 = "unitree_g1_29dof"


def test_the_robots_of_the_recordings_are_shipped() -> None:
    assert {
        "fourier_gr1t2_inspire",
        "iit_icub",
        "kscale_kbot",
        "pollen_reachy2",
        G1,
        "xhumanoid_tienkung_lite",
    } <= set(embodiment_names())


@pytest.mark.parametrize("name", embodiment_names())
def test_round_trip(name: str, tmp_path: Path) -> None:
    embodiment = load_embodiment(name)
    file = tmp_path / "robot.json"
    file.write_text(dump_embodiment(embodiment), encoding="utf-8")
    again = load_embodiment(file)
    assert again == embodiment
    assert again.hash == embodiment.hash
    assert embodiment.id == name
    assert embodiment.licence
    assert embodiment.source


def test_hash_is_of_what_a_frame_means() -> None:
    robot = load_embodiment(G1)
    assert replace(robot, confirm=("look",), source="elsewhere").hash == robot.hash
    moved = replace(robot.joints[0], origin_m=(0.0, 0.0, 0.5))
    assert replace(robot, joints=(moved, *robot.joints[1:])).hash != robot.hash
    assert len(robot.hash) == 64


def test_unknown_name_names_what_there_is() -> None:
    with pytest.raises(EmbodimentError, match="did you mean unitree_g1_inspire"):
        load_embodiment("unitree_g1_inspir")


def test_not_json_is_an_embodiment_error(tmp_path: Path) -> None:
    file = tmp_path / "robot.json"
    file.write_text("{", encoding="utf-8")
    with pytest.raises(EmbodimentError):
        load_embodiment(file)
    file.write_text("[]", encoding="utf-8")
    with pytest.raises(EmbodimentError):
        load_embodiment(file)


def _wrong(robot: Embodiment, case: str) -> Embodiment:
    first = robot.joints[0]
    joints = {
        "axis": replace(first, axis=(0.0, 0.5, 0.0)),
        "limits": replace(first, lower=1.0, upper=-1.0),
        "parent": replace(first, parent="nowhere"),
        "twice": replace(first, name=robot.joints[1].name),
        "nan": replace(first, origin_m=(float("nan"), 0.0, 0.0)),
    }
    if case in joints:
        return replace(robot, joints=(joints[case], *robot.joints[1:]))
    if case == "complexes":
        return replace(robot, complexes=dict.fromkeys(COMPLEX_NAMES[1:], ()))
    chains = dict(robot.complexes)
    chains["neck"] = chains["waist"]
    return replace(robot, complexes=chains)


@pytest.mark.parametrize(
    "case", ["axis", "limits", "parent", "twice", "nan", "complexes", "shared joint"]
)
def test_contradictions_are_refused(case: str) -> None:
    with pytest.raises(EmbodimentError):
        _wrong(load_embodiment(G1), case)
