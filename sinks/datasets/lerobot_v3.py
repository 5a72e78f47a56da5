"""LeRobotDataset v3.0: rows of many episodes a file, one row group an episode; tables of episodes.

The layout is what lerobot 0.4 to 0.6 read and write. A data file is closed whole before the table
of its episodes is kept, so that an export that ended anywhere goes on behind its last whole file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sinks.datasets.columns import (
    INDEX_FEATURES,
    arrow_schema,
    features_document,
    index_planes,
    planes_of,
    rows,
)
from sinks.datasets.plan import DatasetPlan
from sinks.datasets.signals import ACTION, STATE, VALID, Feature
from sinks.datasets.stats import Stats, episode_stats, pooled, stats_of
from sinks.datasets.step import GridEpisode, Rehearsal, told_of

CHUNK_FILES = 1000
DATA_FILE_MB = 100
VIDEO_FILE_MB = 200
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_PATH = "meta/episodes/chunk-000/file-000.parquet"
KEPT = "kept"
STATS = "stats"
MASKED = (STATE, ACTION)

Row = dict[str, Any]


class V3Writer:
    """Writes one data set below a folder, file by file."""

    def __init__(self, root: Path, plan: DatasetPlan, rehearsal: Rehearsal) -> None:
        self._root = root
        self._plan = plan
        self._rehearsal = rehearsal
        self._schema = arrow_schema(plan.signals)
        self._counted = [feature for feature in plan.signals.features if feature.counted]
        sentences = [rehearsal.sentence(i) for i in range(len(plan.episodes))]
        self._tasks = sorted(set(sentences))
        self._task = [self._tasks.index(sentence) for sentence in sentences]
        self._rows: list[Row] = []
        self._files = 0

    def write(self, file_mb: int = DATA_FILE_MB) -> Iterator[int]:
        """Write everything; yields the number of episodes that are done, as they are."""
        self._go_on()
        yield len(self._rows)
        while len(self._rows) < len(self._plan.episodes):
            yield from self._write_file(file_mb * 1024 * 1024)
        self._finish()

    def _go_on(self) -> None:
        """Take up what a run before this one left whole."""
        for path in sorted((self._root / KEPT).glob("*.json")):
            self._rows += orjson.loads(path.read_bytes())
            self._files += 1

    def _write_file(self, limit: int) -> Iterator[int]:
        path = self._data_file(self._files)
        path.parent.mkdir(parents=True, exist_ok=True)
        own: list[Row] = []
        first = self._rows[-1]["dataset_to_index"] if self._rows else 0
        with (
            path.open("wb") as file,
            pq.ParquetWriter(
                file,
                self._schema,
                compression="snappy",
                use_dictionary=False,
                write_statistics=False,
            ) as writer,
        ):
            while len(self._rows) + len(own) < len(self._plan.episodes):
                episode = self._rehearsal.episode(len(self._rows) + len(own))
                task = self._task[episode.index]
                table = rows(self._plan.signals, self._schema, episode, first, task, self._plan.fps)
                writer.write_table(table, row_group_size=max(table.num_rows, 1))
                own.append(self._row(episode, first, task))
                first += episode.steps
                yield len(self._rows) + len(own)
                if file.tell() >= limit:
                    break
        _write_whole(self._root / KEPT / f"{self._files:06d}.json", orjson.dumps(own))
        self._rows += own
        self._files += 1

    def _row(self, episode: GridEpisode, first: int, task: int) -> Row:
        planes = {
            feature.name: episode.columns[feature.name] for feature in self._counted
        } | index_planes(episode, first, task, self._plan.fps)
        valid = episode.columns.get(VALID)
        return {
            "episode_index": episode.index,
            "tasks": [episode.sentence],
            "length": episode.steps,
            "dataset_from_index": first,
            "dataset_to_index": first + episode.steps,
            "data/chunk_index": self._files // CHUNK_FILES,
            "data/file_index": self._files % CHUNK_FILES,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
            **told_of(episode.surveyed, episode.split),
            "action_source": self._plan.signals.action.value,
            STATS: {
                name: episode_stats(own, _mask(name, valid)).kept() for name, own in planes.items()
            },
        }

    def _finish(self) -> None:
        write_tasks(self._root / "meta/tasks.parquet", self._tasks)
        write_episodes(self._root / EPISODES_PATH, self._rows)
        stats = {name: one.document() for name, one in self._training_stats().items()}
        _write_whole(self._root / "meta/stats.json", _pretty(stats))
        info = {
            "codebase_version": "v3.0",
            "robot_type": self._plan.robot,
            "total_episodes": len(self._rows),
            "total_frames": self._rows[-1]["dataset_to_index"],
            "total_tasks": len(self._tasks),
            "chunks_size": CHUNK_FILES,
            "data_files_size_in_mb": DATA_FILE_MB,
            "video_files_size_in_mb": VIDEO_FILE_MB,
            "fps": self._plan.fps,
            "splits": {name: f"{a}:{b}" for name, (a, b) in self._plan.splits.items()},
            "data_path": DATA_PATH,
            "video_path": None,
            "features": features_document(self._plan.signals),
            "action_source": self._plan.signals.action.value,
        }
        _write_whole(self._root / "meta/info.json", _pretty(info))
        for path in (self._root / KEPT).glob("*"):
            path.unlink()
        (self._root / KEPT).rmdir()

    def _training_stats(self) -> dict[str, Stats]:
        """Statistics of the training split, or of the first split where none is called `train`."""
        splits = self._plan.splits
        span = splits.get("train", next(iter(splits.values())))
        index = [Feature(name, dtype, (name,)) for name, dtype in INDEX_FEATURES.items()]
        found = {}
        for feature in (*self._counted, *index):
            parts = [stats_of(row[STATS][feature.name]) for row in self._rows[slice(*span)]]
            found[feature.name] = pooled(parts, self._again(feature, span))
        return found

    def _again(
        self, feature: Feature, span: tuple[int, int]
    ) -> Iterator[tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_] | None]]:
        """A feature's numbers of some episodes, with what counts of them."""
        validity = next((one for one in self._plan.signals.features if one.name == VALID), None)
        masked = validity is not None and feature.name in MASKED
        for table in self._row_groups([feature.name, VALID] if masked else [feature.name], span):
            valid = planes_of(table, validity) if masked and validity else None
            yield planes_of(table, feature), _mask(feature.name, valid)

    def _row_groups(self, columns: list[str], span: tuple[int, int]) -> Iterator[pa.Table]:
        episode = 0
        for number in range(self._files):
            with pq.ParquetFile(self._data_file(number)) as file:
                for group in range(file.num_row_groups):
                    if span[0] <= episode < span[1]:
                        yield file.read_row_group(group, columns, use_threads=False)
                    episode += 1

    def _data_file(self, number: int) -> Path:
        place = {"chunk_index": number // CHUNK_FILES, "file_index": number % CHUNK_FILES}
        return self._root / DATA_PATH.format(**place)


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


def write_episodes(path: Path, found: Sequence[Row]) -> None:
    """`meta/episodes`: a row an episode; statistics as `stats/<feature>/<statistic>`."""
    columns: dict[str, pa.Array] = {}
    for name in found[0]:
        if name != STATS:
            columns[name] = pa.array([row[name] for row in found], _TYPES.get(name))
    for feature, kept in found[0][STATS].items():
        for kind in stats_of(kept).document():
            one = pa.int64() if kind == "count" else pa.float64()
            values = [row[STATS][feature][kind] for row in found]
            columns[f"stats/{feature}/{kind}"] = pa.array(values, pa.list_(one))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, compression="snappy")


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


def _mask(feature: str, valid: npt.NDArray[np.generic] | None) -> npt.NDArray[np.bool_] | None:
    """What counts of a feature: of an absent DoF nothing does."""
    return None if valid is None or feature not in MASKED else valid.astype(np.bool_)


def _pretty(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _write_whole(path: Path, data: bytes) -> None:
    """A file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".aside")
    aside.write_bytes(data)
    aside.replace(path)
