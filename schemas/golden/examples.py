"""The golden example of every packaged schema, framed as it goes to Kafka."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from schemas.canonical import (
    Boundary,
    BoundaryKind,
    CanonicalChunk,
    Cause,
    encode_boundary,
    encode_chunk,
)
from schemas.codec import encode
from schemas.envelope import Envelope, Kind, envelope_headers
from schemas.events import (
    DeadLetter,
    EpisodeEvent,
    EventKind,
    Finding,
    QualityReport,
    encode_dead_letter,
    encode_event,
    encode_report,
)
from schemas.golden.counted import counted_example
from schemas.marks import episode_id
from schemas.redrive import content_of
from schemas.registry import AVRO_DIR, load_dir
from schemas.retargeted import REACHABLE, RESEEDED, RetargetedChunk, encode_retargeted
from schemas.vendors import PROFILES_DIR

_ROBOT = "example/e1-0001"
_SESSION = "01JZ0000000000000000000000"
_EPISODE = episode_id(_SESSION, 1)
_PROCESSING = "0123456789abcdef"
_TOPIC = "raw.example"
_LOG_MS = 1_750_000_000_000


def golden_examples() -> Mapping[str, bytes]:
    """Schema name -> one framed value: written by hand where its parts must fit, else counted."""
    counted = {
        schema.name: encode(schema, counted_example(schema))
        for schema in (*load_dir(AVRO_DIR), *load_dir(PROFILES_DIR))
    }
    return counted | {
        "boundary": encode_boundary(_boundary()),
        "canonical_chunk": encode_chunk(_chunk()),
        "dead_letter": encode_dead_letter(_dead_letter()),
        "episode_event": encode_event(_event()),
        "quality_report": encode_report(_report()),
        "retargeted_chunk": encode_retargeted(_retargeted()),
    }


def _retargeted() -> RetargetedChunk:
    """Two frames of two joints, one of which the motion says nothing about, and one limb."""
    return RetargetedChunk(
        robot=_ROBOT,
        session=_SESSION,
        sequence=2,
        first_frame=0,
        frames=2,
        episode=_EPISODE,
        processing_id=_PROCESSING,
        embodiment="example_h1",
        embodiment_hash="1" * 64,
        code_version=1,
        source_topic=_TOPIC,
        source_partition=1,
        source_offset=12,
        log_ms=_LOG_MS,
        t_ns=np.array([1_750_000_000_000_000_000, 1_750_000_000_004_000_000]),
        joints=("left_elbow", "waist_yaw"),
        position=np.array([[0.25, 0.0], [0.5, 0.0]], np.float32),
        status=np.array([[1, 2], [1, 2]], np.uint8),
        limbs=("left_arm",),
        residual_pct=np.array([[0.5], [np.nan]], np.float32),
        residual_rad=np.array([[0.125], [np.nan]], np.float32),
        solve=np.array([[REACHABLE], [REACHABLE | RESEEDED]], np.uint8),
    )


def _chunk() -> CanonicalChunk:
    """Two frames of three channels: no feet, no action, one absent DoF."""
    angle = np.linspace(-1.0, 1.0, 88, dtype=np.float32).reshape(2, 44)
    angle[:, 3] = np.nan
    status = np.zeros((1, 44), np.uint8)
    status[0, 3] = 4
    position = np.array([[0.25, 0.5, 0.75], [0.26, 0.5, 0.75]], np.float32)
    pose = np.array([0.3, 0.2, 0.1, 1.0, 0.0, 0.0, 0.0], np.float32)
    return CanonicalChunk(
        robot=_ROBOT,
        session=_SESSION,
        sequence=2,
        first_frame=0,
        frames=2,
        channels=3,
        episode=_EPISODE,
        profile="example-e1@1",
        embodiment="example_e1",
        embodiment_hash="0" * 64,
        processing_id=_PROCESSING,
        source_topic=_TOPIC,
        source_partition=1,
        source_offset=12,
        published_ns=_LOG_MS * 1_000_000,
        log_ms=_LOG_MS + 5,
        t_source=np.array([0.5, 0.6], np.float64),
        t_ns=np.array([1_750_000_000_000_000_000, 1_750_000_000_100_000_000], np.int64),
        position=position,
        velocity=position * 2,
        effort=None,
        action=None,
        angle=angle,
        angle_velocity=np.zeros((2, 44), np.float32),
        angle_status=status,
        segment_status=np.ones((1, 15), np.uint8),
        hand_pose=np.tile(pose, (2, 2, 1)),
        foot_pose=None,
        base_position=None,
        base_quaternion=np.array([[1, 0, 0, 0], [1, 0, 0, 0]], np.float32),
        base_angular_velocity=None,
        base_acceleration=None,
        flags=np.array([0, 32], np.uint64),
    )


def _boundary() -> Boundary:
    return Boundary(
        robot=_ROBOT,
        session=_SESSION,
        sequence=9,
        kind=BoundaryKind.EPISODE_END,
        cause=Cause.MARK,
        episode=_EPISODE,
        processing_id=_PROCESSING,
        first_frame=0,
        frames=14,
        last_frame=14,
        first_sequence=1,
        last_sequence=9,
        missing=0,
        source_topic=_TOPIC,
        source_partition=1,
        source_offset=19,
        log_ms=_LOG_MS + 1_000,
    )


def _event() -> EpisodeEvent:
    return EpisodeEvent(
        episode=_EPISODE,
        processing_id=_PROCESSING,
        kind=EventKind.VERDICT,
        robot=_ROBOT,
        session=_SESSION,
        log_ms=_LOG_MS + 1_000,
        task="fold the towel",
        frames=14,
        verdict="review",
        score=0.9375,
        reasons=["joint_limit"],
        findings={"joint_limit": 2},
    )


def _report() -> QualityReport:
    finding = Finding("joint_limit", "warning", "left_elbow_joint", 3, 5, 2, 0.03125, 0.0078125)
    return QualityReport(
        robot=_ROBOT,
        session=_SESSION,
        sequence=2,
        first_frame=0,
        frames=8,
        episode=_EPISODE,
        processing_id=_PROCESSING,
        source_topic=_TOPIC,
        source_partition=1,
        source_offset=12,
        log_ms=_LOG_MS + 5,
        findings=[finding],
    )


def _dead_letter() -> DeadLetter:
    envelope = Envelope(Kind.CHUNK, _ROBOT, _SESSION, 3, 8, 8, _LOG_MS * 1_000_000, "example-e1@1")
    key, value = _ROBOT.encode(), b"\x00\x00\x00\x00\x01\x02"
    headers: list[tuple[str, bytes | None]] = [*envelope_headers(envelope)]
    return DeadLetter(
        source_topic=_TOPIC,
        source_partition=1,
        source_offset=13,
        log_ms=_LOG_MS + 6,
        reason="truncated",
        detail="the value ends before its schema does",
        frames=8,
        attempt=2,
        key=key,
        headers=headers,
        value=value,
        at_offset=21,
        content=content_of(key, headers, value),
    )
