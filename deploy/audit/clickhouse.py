"""ClickHouse as the audit reads it: the lineage of every row, with FINAL, as columns."""

from __future__ import annotations

import clickhouse_connect
import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client

_LINEAGE = """
SELECT source_topic, source_partition, source_offset, robot, session, sequence, first_frame,
    frames, episode, processing_id
FROM frames
WHERE log_ms >= {since:Int64}
LIMIT 1 BY robot, session, sequence, processing_id
"""
_CLOSED = """
SELECT episode, processing_id FROM episode_events FINAL
WHERE kind = 'closed' AND log_ms >= {since:Int64}
"""


def open_clickhouse(url: str, database: str) -> Client:
    """A client of the database under audit."""
    return clickhouse_connect.get_client(dsn=url, database=database)


def lineage(client: Client, since_ms: int) -> pa.Table:
    """The lineage of every chunk whose raw record was appended then or later, each key once."""
    parameters = {"since": since_ms}
    return client.query_arrow(_LINEAGE, parameters=parameters, use_strings=True)


def closed_episodes(client: Client, since_ms: int) -> list[tuple[str, str]]:
    """Episode and processing of what the tracker has closed since."""
    result = client.query(_CLOSED, parameters={"since": since_ms})
    return [(str(episode), str(processing)) for episode, processing in result.result_rows]


def frames_of_episodes(client: Client, episodes: list[str]) -> dict[tuple[str, str, str], int]:
    """Frames of these episodes, by robot, episode and processing."""
    result = client.query(
        "SELECT robot, episode, processing_id, sum(frames) FROM frames FINAL "
        "WHERE episode IN {episodes:Array(String)} GROUP BY robot, episode, processing_id",
        parameters={"episodes": episodes},
    )
    return {(str(r), str(e), str(p)): int(frames) for r, e, p, frames in result.result_rows}


def knows_sequence(client: Client, robot: str, session: str, sequence: int) -> bool:
    """Whether a chunk of this sequence is there, from whatever offset."""
    result = client.query(
        "SELECT count() FROM frames WHERE robot = {robot:String} AND session = {session:String} "
        "AND sequence = {sequence:Int64}",
        parameters={"robot": robot, "session": session, "sequence": sequence},
    )
    return int(result.result_rows[0][0]) > 0


def signals(
    client: Client, stream: tuple[str, str, str], sequences: tuple[int, int], names: list[str]
) -> dict[int, dict[str, np.ndarray]]:
    """Chunks of a robot, session and processing, as [T, width] arrays by sequence and signal."""
    robot, session, processing_id = stream
    query = f"""
        SELECT sequence, first_frame, frames, {", ".join(names)} FROM frames FINAL
        WHERE robot = {{robot:String}} AND session = {{session:String}}
            AND processing_id = {{processing:String}}
            AND sequence BETWEEN {{first:Int64}} AND {{last:Int64}}
    """
    parameters = {
        "robot": robot,
        "session": session,
        "processing": processing_id,
        "first": sequences[0],
        "last": sequences[1],
    }
    table = client.query_arrow(query, parameters=parameters, use_strings=True)
    found: dict[int, dict[str, np.ndarray]] = {}
    for i, sequence in enumerate(table["sequence"].to_pylist()):
        frames = table["frames"][i].as_py()
        arrays = {"first_frame": np.array(table["first_frame"][i].as_py())}
        for name in names:
            flat = table[name][i].values.to_numpy(zero_copy_only=False)
            arrays[name] = flat.reshape(-1, frames).T
        found[sequence] = arrays
    return found
