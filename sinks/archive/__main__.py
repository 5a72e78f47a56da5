"""`python -m sinks.archive`: raw topics and facts to object storage, bit-exact."""

from __future__ import annotations

import sys

from schemas.settings import Settings
from schemas.topics import EPISODE_LABELS, EPISODES, QUALITY_REPORTS
from sinks.archive.sink import NAME, ArchiveSink
from sinks.follow import Follower
from sinks.objects import open_store
from sinks.process import run_sink

TOPICS = (r"^raw\..+", r"^dead-letter\..+", QUALITY_REPORTS, EPISODES, EPISODE_LABELS)


def build(settings: Settings, follower: Follower) -> ArchiveSink:
    """The sink, on the store of the settings."""
    return ArchiveSink(open_store(settings.require_lake()), follower.patience)


if __name__ == "__main__":
    sys.exit(run_sink(NAME, TOPICS, build))
