"""What a subscriber sees: each chunk once, and in another robot's joints what an export holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from obstore.store import MemoryStore

from schemas.canonical import CanonicalChunk
from schemas.embodiment import load_embodiment
from schemas.events import EpisodeEvent, EventKind
from schemas.vendors import Vendors
from sinks.choosing import Chooser
from sinks.datasets.episode import read_frames
from sinks.datasets.rehearse import body_plan, play
from sinks.subscribe import Player, UnknownProfileError
from sinks.where.read import read_where
from sinks.where.words import WhereError
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


def opened(**told: object) -> EpisodeEvent:
    (event, *_) = (e for e in make.events(make.run(LOG.records)[1]) if e.kind is EventKind.OPENED)
    return replace(event, **told)


def test_chunks_wait_until_their_episodes_start_is_known() -> None:
    chooser, sent = Chooser(read_where("task like 'fold%'")), chunks()
    assert chooser.asks_episodes
    own = [chunk for chunk in sent if chunk.episode]
    assert [chooser.offered(chunk) for chunk in own[:3]] == [[], [], []]
    assert chooser.opened(opened(processing_id="another")) == []
    assert chooser.opened(opened()) == own[:3]
    assert chooser.offered(own[3]) == [own[3]]
    assert chooser.offered(replace(own[3], episode=None)) == []


def test_other_tasks_are_dropped_and_of_chunks_alone_no_episode_is_asked() -> None:
    chooser, (first, *_) = Chooser(read_where("task = 'pour'")), chunks()
    assert chooser.offered(first) == []
    assert chooser.opened(opened()) == []
    alone = Chooser(read_where("vendor = 'unitree' and embodiment like '%g1%'"))
    assert not alone.asks_episodes
    assert alone.offered(first) == [first]
    assert alone.offered(replace(first, robot="pollen/r2")) == []


def test_what_only_an_ended_episode_knows_cannot_be_asked_of_a_stream() -> None:
    with pytest.raises(WhereError, match="verdict is known when an episode has ended"):
        Chooser(read_where("verdict = 'accept'"))


def test_chunks_do_not_wait_without_bound(monkeypatch) -> None:
    monkeypatch.setattr("sinks.choosing.MAX_WAITING", 2)
    chooser, (first, *_) = Chooser(read_where("task = 'x'")), chunks()
    chooser.offered(first)
    chooser.offered(first)
    with pytest.raises(LookupError, match="does not hold them"):
        chooser.offered(first)
