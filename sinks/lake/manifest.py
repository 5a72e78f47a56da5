"""An episode's manifest: what its segments are, by hash, and what they hold, by count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from schemas.canonical import Boundary
from schemas.events import EpisodeEvent, EventKind
from sinks.lake.segment import SegmentFacts
from sinks.objects import Stored

VERSION = 1


def encode_manifest(boundary: Boundary, segments: Sequence[SegmentFacts]) -> bytes:
    """The manifest of an episode that has ended, as JSON.

    Its last line of defence is `boundary.frames`: what the tracker counted, beside what is here.
    """
    ordered = sorted(segments, key=lambda facts: (facts.first_frame, facts.sequences))
    same = ("profile", "embodiment", "embodiment_hash", "source_topic", "source_partition")
    told: dict[str, Any] = {
        "version": VERSION,
        "episode": boundary.episode,
        "processing_id": boundary.processing_id,
        "robot": boundary.robot,
        "session": boundary.session,
        **{name: getattr(ordered[0], name) if ordered else None for name in same},
        "frames": sum(facts.frames for facts in ordered),
        "first_frame": ordered[0].first_frame if ordered else None,
        "last_frame": max((facts.last_frame for facts in ordered), default=None),
        "boundary": asdict(boundary),
        "segments": [
            {name: value for name, value in asdict(facts).items() if name not in same}
            for facts in ordered
        ],
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)


def sealed(boundary: Boundary, manifest: bytes, stored: Stored) -> EpisodeEvent:
    """What object storage holds of an episode, from the manifest that lies there."""
    told = orjson.loads(manifest)
    return EpisodeEvent(
        episode=boundary.episode or "",
        processing_id=boundary.processing_id,
        kind=EventKind.SEALED,
        robot=boundary.robot,
        session=boundary.session,
        log_ms=boundary.log_ms,
        first_frame=told["first_frame"],
        last_frame=told["last_frame"],
        frames=told["frames"],
        manifest=stored.key,
        manifest_sha256=stored.sha256,
    )
