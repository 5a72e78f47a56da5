"""`episodes verify` opens everything and names what is not as it was sealed."""

from __future__ import annotations

import json
from dataclasses import replace

import obstore
import pytest
from obstore.store import MemoryStore

from sinks.objects import read_object
from sinks.verify import verify
from tests.lake_make import seal, simulated


@pytest.fixture
def sealed():
    store = MemoryStore()
    (episode,) = seal(store, [simulated("unitree", 5, 90)])
    manifest = json.loads(read_object(store, episode.manifest))
    return store, episode, manifest["segments"][0]["key"]


def test_a_sealed_episode_is_as_it_was_sealed(sealed) -> None:
    store, episode, _ = sealed
    found = verify(store, episode)
    assert found.ok
    assert (found.objects, found.frames) == (2, 90)


def test_a_changed_bit_a_lost_object_and_a_foreign_manifest_are_named(sealed) -> None:
    store, episode, key = sealed
    whole = read_object(store, key)
    obstore.put(store, key, whole[:-1] + bytes([whole[-1] ^ 1]))
    assert verify(store, episode).problems == [f"{key} is not what was sealed: its SHA-256 differs"]
    obstore.delete(store, key)
    assert verify(store, episode).problems == [f"{key} is gone"]
    obstore.put(store, key, whole)
    assert verify(store, episode).ok
    assert "not the manifest" in verify(store, replace(episode, manifest_sha256="0")).problems[0]
    assert "no manifest" in verify(store, replace(episode, manifest=None)).problems[0]
    obstore.delete(store, episode.manifest)
    assert "is gone" in verify(store, episode).problems[0]


def test_rows_that_the_tracker_did_not_count_are_named(sealed) -> None:
    store, episode, _ = sealed
    assert "the tracker counted 91" in verify(store, replace(episode, frames=91)).problems[0]
