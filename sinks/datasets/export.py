"""`kinebus export`: chosen episodes to a data set, from the first look to the last byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from obstore.store import ObjectStore

from schemas.checks import CATALOGUE
from schemas.processing import CODE_VERSION
from schemas.tasks import TaskTable, load_tasks
from schemas.vendors import Vendors
from sinks.catalogue import Episode
from sinks.datasets.card import write_card
from sinks.datasets.episode import read_frames
from sinks.datasets.grid import NS
from sinks.datasets.lerobot_v3 import V3
from sinks.datasets.lerobot_v21 import V21
from sinks.datasets.mcap_set import McapWriter
from sinks.datasets.plain_parquet import PARQUET
from sinks.datasets.plan import Choice, DatasetPlan, ExportError, make_plan
from sinks.datasets.publish import built_aside, finish, require_unfinished, upload
from sinks.datasets.rows_writer import RowsWriter
from sinks.datasets.signals import Space, present_dofs
from sinks.datasets.step import Rehearsal
from sinks.datasets.survey import Surveyed, survey
from sinks.objects import open_store

FORMAT_VERSION = 2
"""Raised whenever the same selection gives other bytes."""

READS_AT_ONCE = 4


class Format(StrEnum):
    """What a data set is written as."""

    LEROBOT_V3 = "lerobot-v3"
    LEROBOT_V21 = "lerobot-v2.1"
    PARQUET = "parquet"
    MCAP = "mcap"


LAYOUTS = {Format.LEROBOT_V3: V3, Format.LEROBOT_V21: V21, Format.PARQUET: PARQUET}


Progress = Callable[[str, int, int], None]
"""What is being done, how far it is, of how many."""


@dataclass(frozen=True)
class Exported:
    """What came of it."""

    out: str
    plan: DatasetPlan
    frames: int

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "out": self.out,
            "robot": self.plan.robot,
            "fps": self.plan.fps,
            "episodes": len(self.plan.episodes),
            "frames": self.frames,
            "splits": {name: list(span) for name, span in self.plan.splits.items()},
            "action": self.plan.signals.action.value,
            "state": list(self.plan.signals.state),
            "refused": [
                {"episode": one.episode.episode, "reason": one.refused} for one in self.plan.refused
            ],
            "left_out": list(self.plan.left_out),
        }


def export(
    choice: Choice,
    form: Format,
    out: str,
    where: str,
    episodes: Sequence[Episode],
    store: ObjectStore,
    vendors: Vendors,
    progress: Progress,
    licence: str | None = None,
) -> Exported:
    """Write a data set of sealed episodes.

    Args:
        choice: what it shall be.
        form: how it is written.
        out: a folder that does not exist yet, or `s3://bucket/prefix`.
        where: the condition that chose the episodes, for the card.
        episodes: complete ones, from the catalogue.
        store: the lake.
        vendors: every profile that the episodes were made by.
        progress: is told how far it is.
        licence: under which the data may be used, for the card.

    Raises:
        ExportError: the selection cannot become a data set, or something is in the way.
        CorruptEpisodeError: an object of the lake is not what was sealed.
    """
    remote = open_store(out) if "://" in out and not out.startswith("file://") else None
    if remote is not None:
        require_unfinished(remote, out)
    tasks = load_tasks(choice.tasks)
    plan = _planned(choice, episodes, store, vendors, progress)
    told = _told(plan, form, where, tasks, licence)
    digest = hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()
    with TemporaryDirectory(prefix="kinebus-export-") as spare:
        place = Path(out.removeprefix("file://")) if remote is None else Path(spare) / choice.name
        frames = _build(plan, form, place, digest, told, store, tasks, progress, licence)
        if remote is not None:
            total = sum(1 for path in place.rglob("*") if path.is_file())
            upload(place, remote, lambda done: progress("uploading", done, total))
    return Exported(out, plan, frames)


def _build(
    plan: DatasetPlan,
    form: Format,
    place: Path,
    digest: str,
    told: dict[str, Any],
    store: ObjectStore,
    tasks: TaskTable,
    progress: Progress,
    licence: str | None,
) -> int:
    with (
        built_aside(place, digest) as aside,
        ThreadPoolExecutor(READS_AT_ONCE, thread_name_prefix="read") as pool,
    ):
        rehearsal = Rehearsal(store, plan, tasks, pool)
        writer: RowsWriter | McapWriter
        if form is Format.MCAP:
            writer = McapWriter(aside, plan, rehearsal)
        else:
            writer = RowsWriter(aside, plan, rehearsal, LAYOUTS[form])
        for done in writer.write():
            progress("writing", done, len(plan.episodes))
        write_card(aside, plan, told, licence)
        finish(aside, place, told)
    return writer.frames


def _planned(
    choice: Choice,
    episodes: Sequence[Episode],
    store: ObjectStore,
    vendors: Vendors,
    progress: Progress,
) -> DatasetPlan:
    if not episodes:
        raise ExportError(
            "no complete episode fits: try the condition with `kinebus episodes list --where`"
        )
    missing = sorted({one.profile or "" for one in episodes} - set(vendors.by_profile))
    if missing:
        raise ExportError(f"no profile {missing[0]!r} here; name its folder by KINEBUS_PROFILES")
    surveyed = []
    for count, one in enumerate(episodes, 1):
        surveyed.append(survey(store, one, vendors.by_profile, round(choice.max_gap_s * NS)))
        progress("looking", count, len(episodes))
    dofs = _dofs(surveyed, store) if choice.space is Space.CANONICAL else {}
    return make_plan(choice, surveyed, dofs)


def _dofs(surveyed: Sequence[Surveyed], store: ObjectStore) -> dict[str, frozenset[str]]:
    """Canonical DoFs by embodiment, from one episode of each set of channels."""
    found: dict[str, frozenset[str]] = {}
    looked: set[tuple[str, frozenset[str]]] = set()
    for one in surveyed:
        body = one.vendor.embodiment.hash
        if one.refused is not None or (body, one.channels) in looked:
            continue
        looked.add((body, one.channels))
        names = one.vendor.profile.channel_names
        frames = read_frames(store, one.episode, names, signals=("angle",))
        there = present_dofs(frames)
        found[body] = found.get(body, there) & there
    return found


def _told(
    plan: DatasetPlan, form: Format, where: str, tasks: TaskTable, licence: str | None
) -> dict[str, Any]:
    """All that decides the data set's bytes, as plain data."""
    choice = plan.choice
    target = choice.target.embodiment if choice.target else None
    return {
        "name": choice.name,
        "format": form.value,
        "format_version": FORMAT_VERSION,
        "where": where,
        "licence": licence,
        "space": choice.space.value,
        "as": target and {"embodiment": target.id, "hash": target.hash},
        "action": plan.signals.action.value,
        "commanded": sorted(plan.signals.commanded),
        "fps": plan.fps,
        "max_gap_s": choice.max_gap_s,
        "full": choice.full,
        "splits": {name: list(span) for name, span in plan.splits.items()},
        "task_table": tasks.version,
        "features": [[feature.name, list(feature.names)] for feature in plan.signals.features],
        "code": CODE_VERSION,
        "checks": len(CATALOGUE),
        "episodes": [
            {"episode": one.episode.episode, "processing_id": one.episode.processing_id,
             "sentence": tasks.sentence(one.episode.task), "verdict": one.episode.verdict,
             "success": one.episode.success, "manifest_sha256": one.episode.manifest_sha256}
            for one in plan.episodes
        ],
    }  # fmt: skip
