"""`python -m sinks.clickhouse`: follows the log into ClickHouse, group `sink-clickhouse`."""

from __future__ import annotations

import sys

from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES, EPISODE_LABELS, EPISODES, QUALITY_REPORTS
from sinks.announce import Announcer
from sinks.clickhouse.client import clickhouse_may_recover, connect_created
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.sink import NAME, ClickHouseSink
from sinks.follow import Follower
from sinks.process import run_sink

TOPICS = (CANONICAL_FRAMES, QUALITY_REPORTS, EPISODES, EPISODE_LABELS, r"^dead-letter\..+")


def build(settings: Settings, follower: Follower) -> ClickHouseSink:
    """The sink, on a database that is there and up to date."""
    url = settings.require_clickhouse()
    patience = follower.patience
    client = patience.attempt(
        f"ClickHouse at {url}",
        lambda: connect_created(url, settings.clickhouse_database),
        clickhouse_may_recover,
    )
    patience.attempt("ClickHouse, migrations", lambda: migrate(client), clickhouse_may_recover)
    announcer = Announcer(settings.require_kafka(), NAME, patience)
    return ClickHouseSink(client, announcer, patience)


if __name__ == "__main__":
    sys.exit(run_sink(NAME, TOPICS, build))
