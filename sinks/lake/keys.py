"""Names of objects: where a robot's frames lie, from what the frames themselves say."""

from __future__ import annotations

import re
from typing import NamedTuple

from schemas.envelope import is_robot, is_session

SEGMENT_FRAMES = 2048
"""Segments are cut at multiples of this frame index.

Longer ones cost less (a column has a fixed price in every file) and hold more of every robot's
frames in memory: 40 joints with velocity and effort take about 1 kB a frame.
"""

BLOCK_SEGMENTS = 16
"""Frames between episodes lie in folders of this many multiples, so that each can be listed."""

ROOT = "episodes"
MANIFEST = "manifest.json"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class UnsafeKeyError(ValueError):
    """A name that must not become part of a key."""


class Stream(NamedTuple):
    """One robot's frames of one session, made by one processing."""

    robot: str
    session: str
    processing_id: str


class Region(NamedTuple):
    """A folder of segments: an episode, or a stretch between episodes."""

    stream: Stream
    episode: str | None
    block: int
    """Between episodes: first frame over frames of a block. In an episode: 0."""


def region_of(stream: Stream, episode: str | None, frame: int) -> Region:
    """The region a frame belongs to."""
    if episode is not None:
        return Region(stream, episode, 0)
    return Region(stream, None, frame // (SEGMENT_FRAMES * BLOCK_SEGMENTS))


def folder(region: Region) -> str:
    """The prefix of a region's objects, without a closing slash.

    The names were checked when the envelope was read; a key is no place to trust that.
    """
    robot, session, processing_id = region.stream
    if not is_robot(robot) or not is_session(session) or not _NAME.fullmatch(processing_id):
        raise UnsafeKeyError(f"{robot!r}, {session!r}, {processing_id!r} cannot name an object")
    if region.episode is None:
        leaf = f"between-{region.block * SEGMENT_FRAMES * BLOCK_SEGMENTS:012d}"
    elif _NAME.fullmatch(region.episode) and region.episode.startswith(session):
        leaf = region.episode
    else:
        raise UnsafeKeyError(f"episode {region.episode!r} of {session} cannot name an object")
    return f"{ROOT}/{processing_id}/{robot}/{session}/{leaf}"


def segment_key(region: Region, first_frame: int, sequence: int) -> str:
    """The key of the segment that begins with this frame of this chunk.

    A chunk's slice belongs to one segment only, so no other segment ever begins with it.
    """
    return f"{folder(region)}/frames-{first_frame:012d}-{sequence:010d}.parquet"


def manifest_key(region: Region) -> str:
    """The key of an episode's manifest."""
    return f"{folder(region)}/{MANIFEST}"


def is_segment_key(key: str) -> bool:
    """Whether a key is a segment's."""
    name = key.rsplit("/", 1)[-1]
    return name.startswith("frames-") and name.endswith(".parquet")
