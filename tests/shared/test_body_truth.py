"""A slice of `kinebus bench body`'s section `truth`: a few robots, seeded, beside their witness."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.bench.body_clips import RECORDED, WALK, recorded_links, walk_agreement
from deploy.bench.body_limbs import direction_errors, judged, mirror_errors, way_back
from deploy.bench.body_reach import find_arms, judge_pair, summarise
from deploy.bench.body_truth import (
    Subject,
    axis_errors,
    kinematics_error,
    make_subject,
    neutral_error,
)
from deploy.bench.body_witness import open_witness
from producers.onboarding.onboard import onboard
from schemas.body import COMPLEXES

pytestmark = pytest.mark.shared

FILES = {
    "unitree/g1_29dof_rev_1_0": "unitree/g1_29dof_rev_1_0.urdf",
    "unitree/h1": "unitree/h1.urdf",
    "pal/talos_full_v2": "pal/talos_full_v2.urdf",
    "fourier/gr2v3_8_7_mjcf": "fourier/gr2v3_8_7_mjcf.xml",
    "boston-dynamics/atlas_mjcf": "boston-dynamics/atlas_mjcf.xml",
    "rainbow/rby1ub": "rainbow/rby1ub.urdf",
}


@pytest.fixture(scope="module")
def subjects(shared_dir: Path) -> dict[str, Subject]:
    found = {}
    for name, file in FILES.items():
        path = shared_dir / "robots" / file
        robot = onboard(path).embodiment
        found[name] = make_subject(robot, open_witness(path, robot.root))
    return found


@pytest.mark.parametrize("name", FILES)
def test_kinematics_and_neutral_pose(name: str, subjects: dict[str, Subject]) -> None:
    error = kinematics_error(subjects[name], poses=4)
    assert error["key_point_m"] <= 1e-9
    assert error["segment_rad"] <= 1e-9
    assert error["pelvis_at_zero_rad"] <= 1e-9
    assert neutral_error(subjects[name])["largest_rad"] <= 1e-6


@pytest.mark.parametrize("name", FILES)
def test_axes_are_those_of_the_table(name: str, subjects: dict[str, Subject]) -> None:
    """A DoF leans by no more than its parent segment does, which an elbow not square keeps."""
    seen = axis_errors(subjects[name])
    assert len(seen) >= 14
    for dof, error in seen.items():
        assert error["rad"] == pytest.approx(0.3, abs=0.01), dof
        chain = next(c for c in COMPLEXES if dof in c.dofs)
        # Where not all of a complex's DoFs can be had alone, its hinges' own lean is added.
        free = len(chain.dofs) == len(chain.order) and set(chain.dofs) <= set(seen)
        assert error["off_deg"] <= (error["parent_leans_deg"] + 0.1 if free else 10.0), dof


@pytest.mark.parametrize("name", FILES)
def test_limbs_point_from_centre_to_centre(name: str, subjects: dict[str, Subject]) -> None:
    seen = {k: d for k, d in direction_errors(subjects[name], poses=20).items() if judged(d)}
    assert seen
    assert all(direction["median_deg"] <= 3.0 for direction in seen.values())


@pytest.mark.parametrize("name", FILES)
def test_a_mirrored_pose_is_the_mirrored_body(name: str, subjects: dict[str, Subject]) -> None:
    seen = mirror_errors(subjects[name], poses=20)
    assert seen is not None
    assert seen["error_rad"] <= seen["asymmetry_rad"] + 1e-6


@pytest.mark.parametrize(
    "name", ["unitree/g1_29dof_rev_1_0", "fourier/gr2v3_8_7_mjcf", "rainbow/rby1ub"]
)
def test_own_motion_comes_back(name: str, subjects: dict[str, Subject]) -> None:
    seen = way_back(subjects[name], frames=150)
    assert seen
    assert max(seen.values()) <= 1e-5


def test_the_flag_and_the_hand_are_right_beside_an_oracle(subjects: dict[str, Subject]) -> None:
    chosen = [n for n in FILES if n in WALK or n == "rainbow/rby1ub"]
    rows = [
        row
        for a in chosen
        for b in chosen
        if a != b
        for row in judge_pair(subjects[a], subjects[b], find_arms(subjects[b]), frames=8)
    ]
    for name, seen in summarise(rows).items():
        assert seen["reachable_share"] >= 0.3, name
        assert seen["precision"] >= 0.98, name
        assert seen["recall"] >= 0.95, name
        assert seen["hand_error_pct"]["p50"] <= 0.1, name
        assert seen["hand_error_pct"]["p95"] <= 0.5, name
        assert seen["beyond_limits"] == 0, name


def test_one_walk_is_one_walk_on_every_robot(
    subjects: dict[str, Subject], shared_dir: Path
) -> None:
    seen = walk_agreement(shared_dir / "recordings", {n: subjects[n] for n in WALK})
    for pair, dofs in seen.items():
        for dof, error in dofs.items():
            assert error["rms_deg"] <= 6.0, (pair, dof)
            assert error["rms_deg"] <= 3.0 or "not explained" not in error["reason"], (pair, dof)


def test_key_points_are_where_the_recording_has_the_links(
    subjects: dict[str, Subject], shared_dir: Path
) -> None:
    assert recorded_links(shared_dir / "recordings", subjects[RECORDED])["largest_m"] <= 2e-6
