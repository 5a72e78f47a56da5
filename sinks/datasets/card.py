"""A data set's card: who moved, how long, how well, what was left out and why, how it is timed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from sinks.datasets.plan import DatasetPlan
from sinks.datasets.signals import ActionKind, names_by_feature
from sinks.datasets.survey import Surveyed

OUTLYING = 3.5
"""Modified z-score beyond which an episode is listed (Iglewicz and Hoaglin, 1993)."""

JITTER_LIMIT = 0.10
LOSS_LIMIT = 0.01
MISSING_LIMIT = 0.05
"""Limits of GB/Z 218.1-2026, clauses 6.2.2.3 and 6.2.2.1 a."""

_ACTION = {
    ActionKind.COMMAND: "the absolute target in force at the end of [t, t + 1/fps)",
    ActionKind.NEXT_STATE: "the state one step on: these robots send no command",
    ActionKind.DELTA: "the target in force at the end of [t, t + 1/fps), less the state at t",
}


def write_card(folder: Path, plan: DatasetPlan, told: dict[str, Any], licence: str | None) -> None:
    """Write `README.md` of a finished data set."""
    parts = [
        _front(licence),
        f"# {plan.choice.name}",
        _opening(plan),
        _contents(plan),
        _signals(plan),
        _left_out(plan),
        _outliers(plan),
        _timing(plan),
        _lineage(plan, told, licence),
    ]
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _front(licence: str | None) -> str:
    return "\n".join(
        [
            "---",
            f"license: {licence or 'other'}",
            "task_categories:",
            "- robotics",
            "tags:",
            "- LeRobot",
            "configs:",
            "- config_name: default",
            "  data_files: data/*/*.parquet",
            "---",
        ]
    )


def _opening(plan: DatasetPlan) -> str:
    makers = sorted({one.episode.vendor for one in plan.episodes})
    robots = {one.episode.robot for one in plan.episodes}
    hours = sum(one.seconds for one in plan.episodes) / 3600
    played = (
        f", played in the joints of {plan.robot}" if plan.choice.target else f" in {plan.robot}"
    )
    return (
        f"{len(plan.episodes)} episodes, {hours:.3f} h, of {len(robots)} robots of "
        f"{', '.join(makers)}{played}, {plan.fps} steps a second."
    )


def _contents(plan: DatasetPlan) -> str:
    by: dict[tuple[str, str], list[Surveyed]] = defaultdict(list)
    for one in plan.episodes:
        by[one.episode.vendor, one.episode.task or "–"].append(one)
    rows = []
    for (maker, task), held in sorted(by.items()):
        verdicts = Counter(one.episode.verdict for one in held)
        judged = [one.episode.success for one in held if one.episode.success is not None]
        success = f"{sum(judged)} of {len(judged)}" if judged else "not told"
        hours = sum(one.seconds for one in held) / 3600
        rows.append((maker, task, len(held), f"{hours:.3f}", verdicts["accept"], verdicts["review"],
                     verdicts["reject"], success))  # fmt: skip
    head = ("maker", "task", "episodes", "hours", "accept", "review", "reject", "success")
    splits = ", ".join(f"{name} {a}–{b - 1}" for name, (a, b) in plan.splits.items())
    return f"## What is in it\n\n{_table(head, rows)}\n\nSplits (by episode): {splits}."


def _signals(plan: DatasetPlan) -> str:
    own = plan.signals
    lines = [f"- `{n}` [{len(names)}]: {', '.join(names)}" for n, names in
             names_by_feature(own).items()]  # fmt: skip
    without = [name for name in own.state if name not in own.commanded]
    note = f"`action` is {_ACTION[own.action]}."
    if own.action is not ActionKind.NEXT_STATE and without:
        note += f" No command comes for {', '.join(without)}: there it is the next state."
    return (
        "## Signals\n\n"
        + "\n".join(lines)
        + f"\n\n{note} Radians, metres, seconds; quaternions became the first two columns of their "
        "matrix; fingers and grippers are 0 open … 1 closed where the robot reports a share, else "
        "in the joint's own unit. Values between two frames lie on a straight line (rotations: on "
        f"the shorter arc); gaps beyond {plan.choice.max_gap_s:g} s are not bridged. There is no "
        "camera and no video feature."
    )


def _left_out(plan: DatasetPlan) -> str:
    lines = [
        f"- {one.episode.episode} ({one.episode.robot}): {one.refused}" for one in plan.refused
    ]
    lines += [f"- {name}: not every episode has it" for name in plan.left_out]
    return "## What was left out\n\n" + ("\n".join(lines) if lines else "Nothing.")


def _outliers(plan: DatasetPlan) -> str:
    by: dict[str, list[Surveyed]] = defaultdict(list)
    for one in plan.episodes:
        by[one.episode.task or "–"].append(one)
    rows = []
    for task, held in sorted(by.items()):
        for what, values in (
            ("seconds", [one.seconds for one in held]),
            ("score", [one.episode.score or 0.0 for one in held]),
        ):
            for place in _outlying(values):
                rows.append((held[place].episode.episode, task, what, f"{values[place]:.3g}",
                             f"{float(np.median(values)):.3g}"))  # fmt: skip
    repeats = Counter((one.episode.robot, one.fingerprint) for one in plan.episodes)
    again = sum(count - 1 for count in repeats.values())
    told = _table(("episode", "task", "in", "is", "median"), rows) if rows else "None."
    return (
        f"## Outliers\n\nEpisodes more than {OUTLYING} deviations (by the median) off their task:"
        f"\n\n{told}\n\n{again} episodes repeat another of the same robot frame by frame; repeats "
        "stand side by side in one split."
    )


def _timing(plan: DatasetPlan) -> str:
    timed = [one for one in plan.episodes if one.jitter is not None]
    rows: list[Sequence[object]] = []
    if timed:
        for what, clause, limit, values in (
            ("jitter: std of the step / nominal period", "6.2.2.3", JITTER_LIMIT,
             [one.jitter or 0.0 for one in timed]),
            ("loss: steps over 1.5 nominal periods", "6.2.2.3", LOSS_LIMIT,
             [one.loss or 0.0 for one in timed]),
        ):  # fmt: skip
            over = sum(value > limit for value in values)
            rows.append((what, clause, limit, f"{float(np.median(values)):.4f}",
                         f"{max(values):.4f}", f"{over} of {len(values)}"))  # fmt: skip
    missing = [one.episode.missing or 0 for one in plan.episodes]
    rows.append(("chunks that never came", "6.2.2.1", MISSING_LIMIT, float(np.median(missing)),
                 max(missing), f"{sum(n > 0 for n in missing)} of {len(missing)}"))  # fmt: skip
    without = len(plan.episodes) - len(timed)
    note = f" {without} episodes come from robots without a clock: undetermined." if without else ""
    return (
        "## Timing, as GB/Z 218.1-2026 asks\n\nMeasured on the raw streams: the rows here stand on "
        f"an even grid and cannot show it.{note}\n\n"
        + _table(("quantity", "clause", "limit", "median", "worst", "episodes over it"), rows)
        + "\n\nValues out of the joints' limits are kept and flagged in `quality.flags`, never "
        "clipped. All signals of an episode share one clock."
    )


def _lineage(plan: DatasetPlan, told: dict[str, Any], licence: str | None) -> str:
    bodies = sorted({(one.vendor.embodiment.id, one.vendor.embodiment.hash[:16],
                      one.vendor.embodiment.licence) for one in plan.episodes})  # fmt: skip
    profiles = sorted({(one.episode.profile or "", one.episode.processing_id)
                       for one in plan.episodes})  # fmt: skip
    recipe = {name: told[name] for name in ("where", "format", "space", "as", "max_gap_s", "code")}
    return "\n\n".join(
        [
            "## Lineage and terms",
            f"Made by kinebus from whole episodes: `{orjson.dumps(recipe).decode()}`.",
            _table(("embodiment", "hash", "licence of its figures"), bodies),
            _table(("profile", "processing"), profiles),
            f"Licence of the data: {licence or 'not stated; ask whoever gave you this'}. "
            "Operators stand here by pseudonym. Every file is listed with its SHA-256 in "
            "`meta/kinebus.json`, every source object in `meta/episodes`.",
        ]
    )


def _outlying(values: Sequence[float]) -> list[int]:
    array = np.asarray(values)
    centre = np.median(array)
    spread = np.median(np.abs(array - centre))
    if len(array) < 5 or spread == 0.0:
        return []
    return [int(i) for i in np.flatnonzero(0.6745 * np.abs(array - centre) / spread > OUTLYING)]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    """Text of a table's cell; what stations and robots say must not become markup."""
    text = " ".join(str(value).split())
    return text.translate({ord(c): f"\\{c}" for c in "|<>[]`*_"})
