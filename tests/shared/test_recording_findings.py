"""The checks on real recordings: what is known to be wrong with them, and no other error."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from deploy.quality import QualityResult, check_take
from producers.recordings.find import find_recordings
from producers.recordings.read import open_recording
from producers.recordings.recording import RecordedChunk, Recording
from producers.sdk.form import Form
from tests.make import vendor, vendors

pytestmark = pytest.mark.shared

EXPLAINED = {
    "unitree": {"noise_step"},
    "fourier": {"joint_limit", "tracking_bias"},
    "pollen": {"acceleration", "chatter", "frame_loss", "jitter", "joint_limit", "noise_step",
               "rate", "velocity_limit"},
    "iit": {"acceleration", "chatter", "jitter", "stale_frame"},
    "kscale": {"gap", "rate", "idle_share"},
    "xhumanoid": {"acceleration", "chatter", "foot_skate", "joint_limit"},
}  # fmt: skip
"""Checks that find something on a maker's recordings: docs/quality.md says why."""


@cache
def checked(folder: Path) -> list[tuple[Recording, QualityResult]]:
    found = []
    for recording in find_recordings(folder / "recordings"):
        own = vendor(recording.vendor)
        take = open_recording(recording, Form(own.profile, own.schema))
        chunks = numbered(take.chunks)
        result = check_take(vendors(), own, chunks, robot=recording.robot, task=take.task)
        found.append((recording, result))
    return found


def numbered(chunks: Iterator[RecordedChunk]) -> Iterator[tuple[int, RecordedChunk]]:
    first = 0
    for chunk in chunks:
        yield first, chunk
        first += chunk.frames


def test_the_only_errors_are_the_holes_in_one_file(shared_dir: Path) -> None:
    errors = [
        (recording.path.name, f.check, round(f.value / 20.0))
        for recording, result in checked(shared_dir)
        for f in result.findings
        if f.severity == "error"
    ]
    name = "actuator_22_right_arm_shoulder_roll_movement.krec"
    assert errors == [(name, "gap", 9), (name, "gap", 361)]


def test_warnings_are_those_that_are_explained(shared_dir: Path) -> None:
    seen: dict[str, set[str]] = {name: set() for name in EXPLAINED}
    for recording, result in checked(shared_dir):
        seen[recording.vendor] |= {f.check for f in result.findings if f.severity != "info"}
    assert seen == EXPLAINED


def test_what_is_usual_is_not_blamed(shared_dir: Path) -> None:
    """Hands that rest, columns that are constant, states some frames behind their commands."""
    for recording, result in checked(shared_dir):
        usual = {"hand_frozen", "hand_stuck", "frozen_joint", "action_lag", "signal_skew"}
        assert not usual & {f.check for f in result.findings}, recording.path


def test_commands_beyond_limits_are_named_and_no_error(shared_dir: Path) -> None:
    """The simulated GR1 is told to bend its wrist further than it can."""
    told = [
        f
        for recording, result in checked(shared_dir)
        for f in result.findings
        if f.check == "command_limit" and recording.vendor == "fourier"
    ]
    assert {f.severity for f in told} == {"info"}
    assert sum(f.frames for f in told) == 947
    assert any(f.channel == "right_wrist_pitch_joint" for f in told)


def test_reachy_s_antennas_jump(shared_dir: Path) -> None:
    """Steps of some forty degrees within a frame."""
    jumps = [
        f
        for recording, result in checked(shared_dir)
        for f in result.findings
        if f.check == "acceleration" and (f.channel or "").startswith("antenna")
    ]
    assert max(abs(f.value) for f in jumps) > 500.0
