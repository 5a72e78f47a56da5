"""How far the last audit that found nothing wrong has come, in a file of the home folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from deploy.audit.raw import Place

FILE = "audit.json"


@dataclass(frozen=True)
class Watermark:
    """Everything before these offsets was found at rest, at this time (Unix s)."""

    offsets: Mapping[Place, int] = field(default_factory=dict)
    at_s: float = 0.0


def load_watermark(home: Path) -> Watermark:
    """The last one, or one at the beginning."""
    path = home / FILE
    if not path.exists():
        return Watermark()
    told = orjson.loads(path.read_bytes())
    offsets = {(topic, partition): offset for topic, partition, offset in told["offsets"]}
    return Watermark(offsets, told["at_s"])


def save_watermark(home: Path, watermark: Watermark) -> None:
    """Replace it, whole or not at all."""
    home.mkdir(parents=True, exist_ok=True)
    rows = [[topic, partition, n] for (topic, partition), n in sorted(watermark.offsets.items())]
    fresh = home / f"{FILE}.new"
    fresh.write_bytes(orjson.dumps({"offsets": rows, "at_s": watermark.at_s}))
    fresh.replace(home / FILE)
