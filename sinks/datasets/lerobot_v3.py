"""LeRobotDataset v3.0: rows of many episodes a file, one row group an episode; tables of episodes.

The layout is what lerobot 0.4 to 0.6 read and write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sinks.datasets.columns import features_document
from sinks.datasets.rows_writer import FILE, Layout, Row, Written, pretty, write_whole
from sinks.datasets.stats import stats_of
from sinks.datasets.training_stats import STATS

CHUNK_FILES = 1000
DATA_FILE_MB = 100
VIDEO_FILE_MB = 200
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_PATH = "meta/episodes/chunk-000/file-000.parquet"


def finish(written: Written) -> None:
    """Write tasks, episodes, statistics and `info.json`."""
    root, plan = written.root, written.plan
    write_tasks(root / "meta/tasks.parquet", written.sentences)
    placed = ([_placed(row) for row in batch] for batch in written.batches())
    write_episodes(root / EPISODES_PATH, placed)
    stats = {name: one.document() for name, one in written.stats.items()}
    write_whole(root / "meta/stats.json", pretty(stats))
    info = {
        "codebase_version": "v3.0",
        "robot_type": plan.robot,
        "total_episodes": written.episodes,
        "total_frames": written.frames,
        "total_tasks": len(written.sentences),
        "chunks_size": CHUNK_FILES,
        "data_files_size_in_mb": DATA_FILE_MB,
        "video_files_size_in_mb": VIDEO_FILE_MB,
        "fps": plan.fps,
        "splits": {name: f"{a}:{b}" for name, (a, b) in plan.splits.items()},
        "data_path": DATA_PATH,
        "video_path": None,
        "features": features_document(plan.signals),
        "action_source": plan.signals.action.value,
    }
    write_whole(root / "meta/info.json", pretty(info))


def _data_path(number: int) -> str:
    return DATA_PATH.format(chunk_index=number // CHUNK_FILES, file_index=number % CHUNK_FILES)


V3 = Layout(_data_path, DATA_FILE_MB * 1024 * 1024, finish)


def _placed(row: Row) -> Row:
    """An episode's row with where its frames and itself stand."""
    place = {
        "data/chunk_index": row[FILE] // CHUNK_FILES,
        "data/file_index": row[FILE] % CHUNK_FILES,
        "meta/episodes/chunk_index": 0,
        "meta/episodes/file_index": 0,
    }
    return {name: value for name, value in row.items() if name != FILE} | place


def write_tasks(path: Path, sentences: Sequence[str]) -> None:
    """`meta/tasks.parquet`: the sentences are the index of the frame that pandas reads."""
    told = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [
            {"name": "task_index", "field_name": "task_index", "pandas_type": "int64",
             "numpy_type": "int64", "metadata": None},
            {"name": "task", "field_name": "task", "pandas_type": "unicode",
             "numpy_type": "object", "metadata": None},
        ],
        "pandas_version": "2.2.0",
    }  # fmt: skip
    table = pa.table(
        {"task_index": pa.array(range(len(sentences)), pa.int64()), "task": list(sentences)}
    ).replace_schema_metadata({b"pandas": json.dumps(told).encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def write_episodes(path: Path, batches: Iterable[Sequence[Row]]) -> None:
    """`meta/episodes`: a row an episode; statistics as `stats/<feature>/<statistic>`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = None
    try:
        for batch in batches:
            table = _episodes(batch)
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression="snappy")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _episodes(found: Sequence[Row]) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for name in found[0]:
        if name != STATS:
            columns[name] = pa.array([row[name] for row in found], _TYPES.get(name))
    for feature, kept in found[0][STATS].items():
        for kind in stats_of(kept).document():
            one = pa.int64() if kind == "count" else pa.float64()
            values = [row[STATS][feature][kind] for row in found]
            columns[f"stats/{feature}/{kind}"] = pa.array(values, pa.list_(one))
    return pa.table(columns)


_TEXTS = (
    "verdict", "operator", "station", "scene", "mode", "task_name", "profile", "source_manifest",
    "source_manifest_sha256",
)  # fmt: skip
_TYPES: dict[str, pa.DataType] = {
    "success": pa.bool_(),
    "score": pa.float64(),
    "source_jitter": pa.float64(),
    "source_loss": pa.float64(),
    "source_missing_chunks": pa.int64(),
    "source_t_first_ns": pa.int64(),
    "source_t_last_ns": pa.int64(),
    **dict.fromkeys(_TEXTS, pa.string()),
}
"""Columns that may be null in every row: their type does not follow from what they hold."""
