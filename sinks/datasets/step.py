"""One episode of a data set, ready to be written: its numbers on the grid, what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from obstore.store import ObjectStore

from schemas.tasks import TaskTable
from schemas.vendors import Vendor
from sinks.datasets.episode import SealedFrames, read_frames
from sinks.datasets.grid import NS, GapError, Grid, lay_grid
from sinks.datasets.plan import DatasetPlan, ExportError
from sinks.datasets.rehearse import Played, body_plan, on_body, play
from sinks.datasets.signals import needed, signals_of
from sinks.datasets.survey import Surveyed
from streams.body_plan import BodyPlan, CanonicalBody


@dataclass(frozen=True)
class GridEpisode:
    """An episode on the grid.

    Attributes:
        index: its place in the data set.
        split: its split's name.
        surveyed: what the first look saw.
        sentence: its task in natural language.
        frames: as they lie in the lake.
        grid: N steps over them.
        columns: by feature, [S, N].
    """

    index: int
    split: str
    surveyed: Surveyed
    sentence: str
    frames: SealedFrames
    grid: Grid
    columns: Mapping[str, npt.NDArray[np.generic]]

    @property
    def steps(self) -> int:
        """N."""
        return self.grid.steps


class Rehearsal:
    """Reads episodes one after the other and puts them on the grid; holds one at a time."""

    def __init__(
        self, store: ObjectStore, plan: DatasetPlan, tasks: TaskTable, pool: Executor | None
    ) -> None:
        self._store = store
        self._plan = plan
        self._tasks = tasks
        self._pool = pool
        self._signals = needed(plan.signals)
        self._bodies: dict[str, BodyPlan] = {}

    def sentence(self, index: int) -> str:
        """The task of an episode in natural language."""
        return self._tasks.sentence(self._plan.episodes[index].episode.task)

    def episode(self, index: int) -> GridEpisode:
        """An episode by its place; raises CorruptEpisodeError, ExportError."""
        one = self._plan.episodes[index]
        names = one.vendor.profile.channel_names
        frames = read_frames(self._store, one.episode, names, self._pool, self._signals)
        body = self._body(one.vendor)
        target = self._plan.choice.target
        try:
            grid = lay_grid(frames.t_ns, self._plan.fps, round(self._plan.choice.max_gap_s * NS))
            played = play(body, target, frames) if target else None
            columns = signals_of(self._plan.signals, frames, grid, body, played)
        except GapError as error:
            raise ExportError(
                f"episode {one.episode.episode}: {error}. Leave it out with --where, or allow more "
                "with --max-gap"
            ) from error
        for name, planes in columns.items():
            if planes.dtype.kind == "f" and not np.isfinite(planes).all():
                raise ExportError(
                    f"episode {one.episode.episode}: {name} has values that are no numbers; leave "
                    "the episode out with --where"
                )
        split = self._plan.split_of(index)
        return GridEpisode(index, split, one, self.sentence(index), frames, grid, columns)

    def shown(self, index: int) -> tuple[SealedFrames, CanonicalBody, Played | None]:
        """An episode at its own times: frames, canonical body, and as the target plays it."""
        one = self._plan.episodes[index]
        names = one.vendor.profile.channel_names
        frames = read_frames(self._store, one.episode, names, self._pool)
        body, target = self._body(one.vendor), self._plan.choice.target
        return frames, on_body(body, frames), play(body, target, frames) if target else None

    def _body(self, vendor: Vendor) -> BodyPlan:
        key = vendor.processing_id
        if key not in self._bodies:
            self._bodies[key] = body_plan(vendor)
        return self._bodies[key]


def told_of(one: Surveyed, split: str) -> dict[str, Any]:
    """What a data set's table of episodes says of one beside its numbers: labels and lineage."""
    episode = one.episode
    return {
        "split": split,
        "success": episode.success,
        "verdict": episode.verdict,
        "score": episode.score,
        "reasons": " ".join(episode.reasons),
        "maker": episode.vendor,
        "robot": episode.robot,
        "embodiment": one.vendor.embodiment.id,
        "embodiment_hash": one.vendor.embodiment.hash,
        "operator": episode.operator,
        "station": episode.station,
        "scene": episode.scene,
        "mode": episode.mode,
        "task_name": episode.task,
        "episode_id": episode.episode,
        "processing_id": episode.processing_id,
        "profile": episode.profile,
        "source_frames": one.frames,
        "source_rate_hz": one.rate_hz,
        "source_longest_gap_s": one.longest_gap_ns / NS,
        "source_jitter": one.jitter,
        "source_loss": one.loss,
        "source_missing_chunks": episode.missing,
        "source_t_first_ns": episode.t_first_ns,
        "source_t_last_ns": episode.t_last_ns,
        "source_manifest": episode.manifest,
        "source_manifest_sha256": episode.manifest_sha256,
        "fingerprint": one.fingerprint,
    }
