"""Writes the rows of a data set file by file, whatever the layout of the files.

A data file is closed whole before the table of its episodes is kept, so that an export that ended
anywhere goes on behind its last whole file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sinks.datasets.columns import (
    arrow_schema,
    index_planes,
    planes_of,
    rows,
    scalars,
)
from sinks.datasets.plan import DatasetPlan
from sinks.datasets.signals import Feature
from sinks.datasets.stats import Planes, Stats
from sinks.datasets.step import GridEpisode, Rehearsal, told_of
from sinks.datasets.training_stats import STATS, TrainingStats

KEPT = "kept"
FILE = "file"

Row = dict[str, Any]
"""What is told of an episode, with its statistics under `stats`."""


@dataclass(frozen=True)
class Written:
    """A data set whose rows are all there.

    Attributes:
        root: its folder.
        plan: what it is.
        batches: the rows of its episodes, some at a time.
        episodes: how many.
        frames: rows of data in all of them.
        sentences: its tasks, in the order of their index.
        stats: of the training split, by feature.
    """

    root: Path
    plan: DatasetPlan
    batches: Callable[[], Iterator[list[Row]]]
    episodes: int
    frames: int
    sentences: Sequence[str]
    stats: Mapping[str, Stats]


@dataclass(frozen=True)
class Layout:
    """How a format lays out its files.

    Attributes:
        data_path: of the data file of a number, below the root.
        file_bytes: a data file takes episodes until it has so many bytes; 0: one episode a file.
        finish: writes all other files.
        scalar: whether a vector's components are columns of their own, `feature.component`.
    """

    data_path: Callable[[int], str]
    file_bytes: int
    finish: Callable[[Written], None]
    scalar: bool = False


class RowsWriter:
    """Writes one data set below a folder."""

    def __init__(self, root: Path, plan: DatasetPlan, rehearsal: Rehearsal, layout: Layout) -> None:
        self._root = root
        self._layout = layout
        self._plan = plan
        self._rehearsal = rehearsal
        self._vectors = arrow_schema(plan.signals)
        nothing = self._vectors.empty_table()
        self._schema = scalars(plan.signals, nothing).schema if layout.scalar else self._vectors
        self._stats = TrainingStats(plan)
        sentences = [rehearsal.sentence(i) for i in range(len(plan.episodes))]
        self._tasks = sorted(set(sentences))
        self._task = [self._tasks.index(sentence) for sentence in sentences]
        self._done = 0
        self._files = 0
        self.frames = 0

    def write(self) -> Iterator[int]:
        """Write everything; yields the number of episodes that are done, as they are."""
        self._go_on()
        yield self._done
        while self._done < len(self._plan.episodes):
            yield from self._write_file()
        for _, table in self._row_groups(self._stats.refined):
            self._stats.refine(self._planes(table, self._stats.refined))
        stats = self._stats.stats()
        self._layout.finish(
            Written(self._root, self._plan, self._kept, self._done, self.frames, self._tasks, stats)
        )
        shutil.rmtree(self._root / KEPT)

    def _kept(self) -> Iterator[list[Row]]:
        """The rows of each file's episodes."""
        for path in sorted((self._root / KEPT).glob("*.json")):
            yield orjson.loads(path.read_bytes())

    def _go_on(self) -> None:
        """Take up what a run before this one left whole."""
        for kept in self._kept():
            self._took(kept)
        everything = list(self._stats.counted)
        everything += [self._stats.validity] if self._stats.validity else []
        for episode, table in self._row_groups(everything):
            self._stats.episode(episode, self._planes(table, everything))

    def _write_file(self) -> Iterator[int]:
        path = self._data_file(self._files)
        path.parent.mkdir(parents=True, exist_ok=True)
        own: list[Row] = []
        first = self.frames
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
            while self._done + len(own) < len(self._plan.episodes):
                episode = self._rehearsal.episode(self._done + len(own))
                task = self._task[episode.index]
                table = rows(
                    self._plan.signals, self._vectors, episode, first, task, self._plan.fps
                )
                if self._layout.scalar:
                    table = scalars(self._plan.signals, table)
                writer.write_table(table, row_group_size=max(table.num_rows, 1))
                own.append(self._row(episode, first, task))
                first += episode.steps
                yield self._done + len(own)
                if file.tell() >= self._layout.file_bytes:
                    break
        data = orjson.dumps(own, option=orjson.OPT_SERIALIZE_NUMPY)
        write_whole(self._root / KEPT / f"{self._files:06d}.json", data)
        self._took(own)

    def _took(self, own: Sequence[Row]) -> None:
        self._done += len(own)
        self._files += 1
        self.frames = int(own[-1]["dataset_to_index"])

    def _row(self, episode: GridEpisode, first: int, task: int) -> Row:
        index = index_planes(episode, first, task, self._plan.fps)
        stats = self._stats.episode(episode.index, {**episode.columns, **index})
        return {
            "episode_index": episode.index,
            "tasks": [episode.sentence],
            "length": episode.steps,
            "dataset_from_index": first,
            "dataset_to_index": first + episode.steps,
            FILE: self._files,
            **told_of(episode.surveyed, episode.split),
            "action_source": self._plan.signals.action.value,
            STATS: {name: own.kept() for name, own in stats.items()},
        }

    def _planes(self, table: pa.Table, features: Sequence[Feature]) -> dict[str, Planes]:
        return {feature.name: planes_of(table, feature) for feature in features}

    def _row_groups(self, features: Sequence[Feature]) -> Iterator[tuple[int, pa.Table]]:
        """What was written of the training split's episodes, one after the other."""
        columns = [name for one in features for name in self._columns(one)]
        episode = 0
        for number in range(self._files):
            with pq.ParquetFile(self._data_file(number)) as file:
                for group in range(file.num_row_groups):
                    if self._stats.wants(episode):
                        yield episode, file.read_row_group(group, columns, use_threads=False)
                    episode += 1

    def _columns(self, feature: Feature) -> list[str]:
        alone = len(feature.names) == 1 or not self._layout.scalar
        return [feature.name] if alone else [f"{feature.name}.{name}" for name in feature.names]

    def _data_file(self, number: int) -> Path:
        return self._root / self._layout.data_path(number)


def pretty(document: Any) -> bytes:
    """JSON for people, too."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def write_whole(path: Path, data: bytes) -> None:
    """A file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".aside")
    aside.write_bytes(data)
    aside.replace(path)
