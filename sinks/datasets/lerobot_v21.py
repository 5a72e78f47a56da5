"""LeRobotDataset v2.1: a file an episode, tables as JSON lines; with GR00T's `modality.json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from schemas.body import COMPLEXES, DOFS, HAND_DOF_START
from schemas.embodiment import Embodiment
from sinks.datasets.columns import features_document
from sinks.datasets.plan import DatasetPlan
from sinks.datasets.rows_writer import FILE, Layout, Written, pretty, write_whole
from sinks.datasets.signals import ACTION, STATE
from sinks.datasets.stats import stats_of
from sinks.datasets.training_stats import STATS

CHUNK_FILES = 1000
DATA_PATH = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
EMBODIMENT_TAG = "new_embodiment"
"""GR00T's tag for a robot that its base model was not trained on."""

_LIMB = {
    "shoulder": "arm", "elbow": "arm", "wrist": "arm", "hip": "leg", "knee": "leg", "ankle": "leg",
}  # fmt: skip


def finish(written: Written) -> None:
    """Write tasks, episodes, statistics, modalities and `info.json`."""
    root, plan = written.root, written.plan
    write_whole(
        root / "meta/tasks.jsonl",
        _lines({"task_index": i, "task": text} for i, text in enumerate(written.sentences)),
    )
    write_whole(
        root / "meta/episodes.jsonl",
        _lines(
            {name: value for name, value in row.items() if name not in (STATS, FILE)}
            for batch in written.batches()
            for row in batch
        ),
    )
    write_whole(
        root / "meta/episodes_stats.jsonl",
        _lines(
            {
                "episode_index": row["episode_index"],
                "stats": {n: stats_of(kept).document() for n, kept in row[STATS].items()},
            }
            for batch in written.batches()
            for row in batch
        ),
    )
    stats = {name: one.document() for name, one in written.stats.items()}
    write_whole(root / "meta/stats.json", pretty(stats))
    write_whole(root / "meta/modality.json", pretty(modalities(plan)))
    info = {
        "codebase_version": "v2.1",
        "robot_type": plan.robot,
        "embodiment_tag": EMBODIMENT_TAG,
        "total_episodes": written.episodes,
        "total_frames": written.frames,
        "total_tasks": len(written.sentences),
        "total_videos": 0,
        "total_chunks": (written.episodes - 1) // CHUNK_FILES + 1,
        "chunks_size": CHUNK_FILES,
        "fps": plan.fps,
        "splits": {name: f"{a}:{b}" for name, (a, b) in plan.splits.items()},
        "data_path": DATA_PATH,
        "video_path": None,
        "features": features_document(plan.signals),
        "action_source": plan.signals.action.value,
    }
    write_whole(root / "meta/info.json", pretty(info))


def _data_path(number: int) -> str:
    return DATA_PATH.format(episode_chunk=number // CHUNK_FILES, episode_index=number)


V21 = Layout(_data_path, 0, finish)


def modalities(plan: DatasetPlan) -> dict[str, Any]:
    """`modality.json`: runs of the state's components that belong to one part of the body."""
    embodiment = (
        plan.choice.target.embodiment if plan.choice.target else plan.episodes[0].vendor.embodiment
    )
    parts = body_parts(plan.signals.state, embodiment, dict(_channel_dofs(plan)))
    slices: dict[str, dict[str, int]] = {}
    for place, part in enumerate(parts):
        if place and parts[place - 1] == part:
            slices[next(reversed(slices))]["end"] = place + 1
            continue
        again = sum(name.split(".")[0] == part for name in slices)
        slices[f"{part}.{again + 1}" if again else part] = {"start": place, "end": place + 1}
    return {
        "state": {name: {**span, "original_key": STATE} for name, span in slices.items()},
        "action": {name: {**span, "original_key": ACTION} for name, span in slices.items()},
        "video": {},
        "annotation": {"human.task_description": {"original_key": "task_index"}},
    }


def body_parts(names: tuple[str, ...], embodiment: Embodiment, dof_of: dict[str, str]) -> list[str]:
    """The part of the body each component moves: waist, left_arm, right_hand, other."""
    of: dict[str, str] = {}
    for complex_ in COMPLEXES:
        part = _part(complex_.name)
        of |= dict.fromkeys((*complex_.dofs, *embodiment.complexes.get(complex_.name, ())), part)
    for side, hand in embodiment.hands.items():
        of |= {finger.joint: f"{side}_hand" for finger in hand.joints}
    of |= {dof: f"{dof.split('_')[0]}_hand" for dof in DOFS[HAND_DOF_START:]}
    return [of.get(name) or of.get(dof_of.get(name, ""), "other") for name in names]


def _part(complex_name: str) -> str:
    side, _, joint = complex_name.partition("_")
    return f"{side}_{_LIMB[joint]}" if joint else complex_name


def _channel_dofs(plan: DatasetPlan) -> Iterable[tuple[str, str]]:
    profile = plan.episodes[0].vendor.profile
    for name, dof in zip(profile.channel_names, profile.channel_dofs, strict=True):
        if dof:
            yield name, dof


def _lines(documents: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(document) + b"\n" for document in documents)
