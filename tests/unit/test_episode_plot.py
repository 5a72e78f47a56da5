"""`kinebus episodes plot`: what is drawn where, of robots with and without a body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from obstore.store import MemoryStore
from PIL import Image

from sinks.datasets.episode import SealedFrames, read_frames
from sinks.datasets.rehearse import body_plan, on_body
from sinks.found_in import FoundIn
from sinks.picture.body import bones, key_frames
from sinks.picture.episode import Marked, marked_in, parts_of, plot_episode
from tests import make
from tests.lake_make import seal, simulated

STORE = MemoryStore()


def held(vendor: str, frames: int = 120) -> tuple:
    own = make.vendor(vendor)
    (episode,) = seal(STORE, [simulated(vendor, 1, frames)])
    read = read_frames(STORE, episode, own.profile.channel_names)
    return episode, own, read, on_body(body_plan(own), read)


@pytest.mark.parametrize("vendor", ["unitree", "kscale"])
def test_a_picture_shows_what_was_found_on_a_channel(tmp_path, vendor) -> None:
    """Kscale's description is joint by joint: no body, but signals."""
    episode, own, frames, body = held(vendor)
    bare, marked = tmp_path / "bare.png", tmp_path / "marked.png"
    name = own.profile.channel_names[0]
    plot_episode(bare, episode, own, frames, body, [])
    found = [Marked("joint_limit", name, 0.5, 1.5), Marked("gap", "", 2.0, 2.1)]
    rejected = replace(episode, verdict="reject", reasons=["long " * 200])
    plot_episode(marked, rejected, own, frames, body, found)
    with Image.open(bare) as one, Image.open(marked) as other:
        assert one.size[0] == other.size[0] > 1000
        red = np.array(other.convert("RGB")).reshape(-1, 3) == (0xD0, 0x30, 0x2F)
        assert red.all(axis=1).sum() > 100, "the gap is an error"


def test_channels_stand_with_the_part_they_move() -> None:
    parts = parts_of(make.vendor("unitree"))
    assert parts["left_elbow_joint"] == "left arm"
    assert parts["right_little_flexion"] == "right hand"
    assert parts_of(make.vendor("fourier"))["L_thumb_proximal_yaw_joint"] == "left hand"


def test_key_frames_differ_most() -> None:
    _, _, _, body = held("unitree")
    keys = key_frames(body, 4)
    assert keys == sorted(set(keys))
    assert keys[0] == 0

    def hands(frame: int) -> np.ndarray:
        return body.hand_pose[frame, :, :3].ravel()

    apart = min(np.linalg.norm(hands(a) - hands(b)) for a in keys for b in keys if a < b)
    assert apart > np.median([np.linalg.norm(hands(k) - hands(k + 1)) for k in range(100)])
    sides = [side for side, _, _ in bones(body, 0)]
    assert sides.count("left") == sides.count("right") >= 4


def test_findings_lie_at_the_times_of_their_frames() -> None:
    _, _, frames, _ = held("unitree")
    late: SealedFrames = replace(frames, frame=frames.frame + 1000)
    found = [
        FoundIn("gap", "", 1010, 1019),
        FoundIn("rate", "x", 0, 5),
        FoundIn("jerk", "y", 990, 1002),
    ]
    seconds = (frames.t_ns - frames.t_ns[0]) / 1e9
    assert marked_in(found, late) == [
        Marked("gap", "", float(seconds[10]), float(seconds[19])),
        Marked("jerk", "y", 0.0, float(seconds[2])),
    ]
