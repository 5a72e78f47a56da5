"""What a subscriber sees: each chunk once, and in another robot's joints what an export holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from obstore.store import MemoryStore

from schemas.canonical import CanonicalChunk
from schemas.embodiment import load_embodiment
from schemas.vendors import Vendors
from sinks.datasets.episode import read_frames
from sinks.datasets.rehearse import body_plan, play
from sinks.subscribe import Player, UnknownProfileError
from streams.retarget_plan import compile_target
from tests import make
from tests.lake_make import seal, simulated

LOG = simulated("unitree", 1, 90)


def chunks() -> list[CanonicalChunk]:
    return make.chunks(make.run(LOG.records)[1])


def test_a_chunk_that_comes_twice_is_seen_once_and_a_late_one_is_seen() -> None:
    player, sent = Player(make.vendors(), None), chunks()
    order = [sent[0], sent[2], sent[2], sent[1], sent[0], sent[3], sent[1]]
    seen = [batch.chunk.sequence for chunk in order if (batch := player.play(chunk))]
    assert seen == [sent[i].sequence for i in (0, 2, 1, 3)]


def test_another_processing_is_another_stream() -> None:
    player, (first, *_) = Player(make.vendors(), None), chunks()
    assert player.play(first)
    assert player.play(replace(first, processing_id="feedfeedfeedfeed"))
    assert player.play(first) is None


def test_in_another_robots_joints_it_equals_what_is_exported_of_the_episode() -> None:
    store, target = MemoryStore(), compile_target(load_embodiment("unitree_h1"))
    (episode,) = seal(store, [LOG])
    vendor = make.vendor("unitree")
    frames = read_frames(store, episode, vendor.profile.channel_names)
    exported = play(body_plan(vendor), target, frames)
    player = Player(make.vendors(), target)
    batches = [player.play(chunk) for chunk in chunks()]
    own = [batch for batch in batches if batch and batch.chunk.episode == episode.episode]
    seen = np.concatenate([batch.position_rad for batch in own]).astype(np.float32)
    assert own[0].joint_names == target.joint_names
    assert (seen == exported.position.T).all()
    assert (np.concatenate([b.reachable for b in own]) == exported.reachable.T).all()


def test_a_profile_that_is_not_here_is_said() -> None:
    nobody = Player(Vendors({}, make.vendors().registry), None)
    with pytest.raises(UnknownProfileError, match="KINEBUS_PROFILES"):
        nobody.play(chunks()[0])
