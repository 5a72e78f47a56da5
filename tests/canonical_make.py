"""Canonical chunks and boundaries made by hand, for the tests of sinks."""

from __future__ import annotations

import numpy as np

from schemas.canonical import (
    Boundary,
    BoundaryKind,
    CanonicalChunk,
    Cause,
    encode_boundary,
    encode_chunk,
)
from schemas.marks import episode_id
from schemas.topics import CANONICAL_FRAMES
from sinks.record import Place, Record

ROBOT = "fourier/r1"
SESSION = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
PROCESSING = "0123456789abcdef"
PROFILE = "fourier-gr1@1"
EPISODE = episode_id(SESSION, 0)
PLACE = Place(CANONICAL_FRAMES, 0)
LOG_MS = 1_700_000_000_000


def value(first_frame: int, frames: int, width: int, salt: int = 0) -> np.ndarray:
    """Numbers that follow from the frame index alone, so that chunking does not change them."""
    frame = np.arange(first_frame, first_frame + frames, dtype=np.float64)
    return np.sin(frame[:, None] * 0.37 + np.arange(width) + salt).astype(np.float32)


def chunk(
    sequence: int,
    first_frame: int,
    frames: int,
    episode: str | None = None,
    robot: str = ROBOT,
    channels: int = 3,
    with_velocity: bool = True,
    session: str = SESSION,
) -> CanonicalChunk:
    """A chunk that reports position, velocity and a base orientation, and no more."""
    angle = value(first_frame, frames, 44, 1)
    angle[:, 3:] = np.nan
    stamps = np.arange(first_frame, first_frame + frames)
    return CanonicalChunk(
        robot=robot,
        session=session,
        sequence=sequence,
        first_frame=first_frame,
        frames=frames,
        channels=channels,
        episode=episode,
        profile=PROFILE,
        embodiment="fourier_gr1t2_inspire",
        embodiment_hash="feedfeedfeedfeed",
        processing_id=PROCESSING,
        source_topic="raw.fourier",
        source_partition=0,
        source_offset=1_000 + sequence,
        published_ns=1_700_000_000_000_000_000 + sequence,
        log_ms=LOG_MS + sequence,
        t_source=stamps * 0.05,
        t_ns=stamps * 50_000_000,
        position=value(first_frame, frames, channels),
        velocity=value(first_frame, frames, channels, 2) if with_velocity else None,
        effort=None,
        action=None,
        angle=angle,
        angle_velocity=value(first_frame, frames, 44, 3),
        angle_status=np.zeros((1, 44), np.uint8),
        segment_status=np.full((1, 15), 4, np.uint8),
        hand_pose=None,
        foot_pose=None,
        base_position=None,
        base_quaternion=value(first_frame, frames, 4, 4),
        base_angular_velocity=None,
        base_acceleration=None,
        flags=np.zeros(frames, np.uint64),
    )


def boundary(
    kind: BoundaryKind,
    sequence: int,
    episode: str | None = None,
    frames: int = 0,
    robot: str = ROBOT,
    cause: Cause = Cause.MARK,
    session: str = SESSION,
) -> Boundary:
    """A boundary at a mark."""
    return Boundary(
        robot=robot,
        session=session,
        sequence=sequence,
        kind=kind,
        cause=cause,
        episode=episode,
        processing_id=PROCESSING,
        first_frame=0,
        frames=frames,
        last_frame=frames,
        first_sequence=0,
        last_sequence=sequence,
        missing=0,
        source_topic="raw.fourier",
        source_partition=0,
        source_offset=1_000 + sequence,
        log_ms=LOG_MS + sequence,
    )


def record(offset: int, fact: CanonicalChunk | Boundary, place: Place = PLACE) -> Record:
    """The fact as it stands on the log."""
    data = encode_boundary(fact) if isinstance(fact, Boundary) else encode_chunk(fact)
    return Record(place, offset, 2, LOG_MS + offset, fact.robot.encode(), None, data)
