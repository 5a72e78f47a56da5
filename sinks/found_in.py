"""Where checks found something in an episode, from ClickHouse."""

from __future__ import annotations

from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from sinks.catalogue import Episode


@dataclass(frozen=True, slots=True)
class FoundIn:
    """What a check found in a chunk: on a channel, or on whole frames where that is empty."""

    check: str
    channel: str
    first_frame: int
    last_frame: int


def found_in(client: Client, episode: Episode) -> list[FoundIn]:
    """Where checks found something in an episode, in the order of its frames."""
    result = client.query(
        "SELECT check, channel, first_frame, last_frame FROM findings FINAL "
        "WHERE robot = {robot:String} AND session = {session:String} AND "
        "episode = {episode:String} AND processing_id = {processing:String} "
        "ORDER BY first_frame, check, channel",
        parameters={
            "robot": episode.robot,
            "session": episode.session,
            "episode": episode.episode,
            "processing": episode.processing_id,
        },
    )
    return [FoundIn(str(c), str(n), int(a), int(b)) for c, n, a, b in result.result_rows]
