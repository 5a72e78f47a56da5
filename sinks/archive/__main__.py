"""`python -m sinks.archive`: raw topics to object storage, bit-exact, group `sink-archive`."""

from __future__ import annotations

import sys

from schemas.settings import Settings
from sinks.archive.sink import NAME, ArchiveSink
from sinks.follow import Follower
from sinks.objects import open_store
from sinks.process import run_sink

TOPICS = (r"^raw\..+",)


def build(settings: Settings, follower: Follower) -> ArchiveSink:
    """The sink, on the store of the settings."""
    return ArchiveSink(open_store(settings.require_lake()), follower.patience)


if __name__ == "__main__":
    sys.exit(run_sink(NAME, TOPICS, build))
