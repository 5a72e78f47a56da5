"""Wait until everything that was published is at rest: processed, stored, sealed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import clickhouse_connect
from confluent_kafka import TopicPartition

from deploy.lag import committed, ends
from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES, EPISODES, QUALITY_REPORTS, raw_topic

_POLL_S = 0.25

Places = Mapping[tuple[str, int], int]
"""Offset by topic and partition."""


class NotSettledError(RuntimeError):
    """Something did not come to rest in time; the message names the stage and where it stands."""


def wait_until_following(settings: Settings, vendors: Sequence[str], within_s: float) -> None:
    """Return once the stream workers have committed a tick of every raw partition.

    Raises:
        NotSettledError: it took longer.
    """
    places = {
        (raw_topic(name), partition): 1
        for name in vendors
        for partition in range(settings.partitions)
    }
    _await_group(settings.require_kafka(), "streams", places, time.monotonic() + within_s)


def wait_until_settled(
    settings: Settings, vendors: Sequence[str], within_s: float, say: Callable[[str], None]
) -> None:
    """Return once what is in the raw topics now is in every store.

    The raw archive is not waited for: it seals its ranges by size and time.

    Raises:
        NotSettledError: it took longer.
    """
    deadline = time.monotonic() + within_s
    bootstrap = settings.require_kafka()
    say("waiting for the stream workers")
    raw = _ends_of(bootstrap, settings, [raw_topic(name) for name in vendors])
    _await_group(bootstrap, "streams", raw, deadline)
    say("waiting for ClickHouse and object storage")
    canonical = _ends_of(bootstrap, settings, [CANONICAL_FRAMES])
    rest = _ends_of(bootstrap, settings, [QUALITY_REPORTS, EPISODES])
    _await_group(bootstrap, "sink-clickhouse", {**canonical, **rest}, deadline)
    _await_group(bootstrap, "sink-lake", canonical, deadline)
    facts = _ends_of(bootstrap, settings, [EPISODES])
    _await_group(bootstrap, "sink-clickhouse", facts, deadline)
    _await_episodes(settings, deadline)


def _ends_of(bootstrap: str, settings: Settings, topics: Iterable[str]) -> Places:
    places = [(topic, partition) for topic in topics for partition in range(settings.partitions)]
    return {place: end for place, end in ends(bootstrap, places).items() if end}


def _await_group(bootstrap: str, group: str, wanted: Places, deadline: float) -> None:
    places = [TopicPartition(*place) for place in wanted]
    while True:
        reached = {(p.topic, p.partition): p.offset for p in committed(bootstrap, group, places)}
        behind = {p: end - max(reached.get(p, 0), 0) for p, end in wanted.items()}
        behind = {place: records for place, records in behind.items() if records > 0}
        if not behind:
            return
        if time.monotonic() > deadline:
            where = ", ".join(f"{t}/{p}: {n}" for (t, p), n in sorted(behind.items())[:5])
            raise NotSettledError(f"{group} is still behind, records by partition: {where}")
        time.sleep(_POLL_S)


def _await_episodes(settings: Settings, deadline: float) -> None:
    """Every closed episode is stored and sealed."""
    client = clickhouse_connect.get_client(
        dsn=settings.require_clickhouse(), database=settings.clickhouse_database
    )
    question = (
        "SELECT count() FROM episode_states WHERE is_closed AND NOT (is_stored AND is_sealed)"
    )
    try:
        while (open_count := client.query(question).result_rows[0][0]) > 0:
            if time.monotonic() > deadline:
                raise NotSettledError(f"{open_count} closed episodes are not stored and sealed")
            time.sleep(_POLL_S)
    finally:
        client.close()
