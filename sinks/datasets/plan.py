"""What a data set will be, decided before its first row: episodes, order, splits, rate, columns."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.body import DOFS
from sinks.datasets.episode import BASE
from sinks.datasets.signals import ActionKind, SignalPlan, Space, common
from sinks.datasets.survey import Surveyed, commanded_dofs
from streams.retarget_plan import TargetPlan

MAX_FPS = 1_000


class ExportError(RuntimeError):
    """A data set that cannot be made; the message says why and what to do."""


@dataclass(frozen=True)
class Choice:
    """What the user asked for.

    Attributes:
        name: of the data set.
        space: whose joints.
        target: the robot everything is retargeted to; None for the robots' own joints.
        action: what `action` shall hold; None: commands where the robots send any.
        fps: steps a second; None: the slowest robot's rate.
        splits: names and shares; empty: all in `train`.
        full: canonical space: keep absent DoFs as 0 beside their validity.
        max_gap_s: the longest gap that is bridged.
        tasks: a table of sentences; None: the packaged one.
    """

    name: str
    space: Space = Space.NATIVE
    target: TargetPlan | None = None
    action: ActionKind | None = None
    fps: int | None = None
    splits: tuple[tuple[str, float], ...] = ()
    full: bool = False
    max_gap_s: float = 0.25
    tasks: Path | None = None


@dataclass(frozen=True)
class DatasetPlan:
    """A data set before it is written.

    Attributes:
        choice: as asked.
        episodes: in their order.
        refused: surveyed episodes that are left out.
        robot: embodiment of the joints, or "canonical".
        fps: steps a second.
        splits: by name, [first, past the last) of `episodes`.
        signals: the columns.
        left_out: components that some episode has and another has not, by what they are.
    """

    choice: Choice
    episodes: tuple[Surveyed, ...]
    refused: tuple[Surveyed, ...]
    robot: str
    fps: int
    splits: Mapping[str, tuple[int, int]]
    signals: SignalPlan
    left_out: tuple[str, ...]

    def split_of(self, index: int) -> str:
        """The split that an episode is in, by its place."""
        return next(name for name, (a, b) in self.splits.items() if a <= index < b)


def make_plan(
    choice: Choice, surveyed: Sequence[Surveyed], dofs: Mapping[str, frozenset[str]]
) -> DatasetPlan:
    """Decide what the data set will be; ExportError where the selection cannot become one.

    Args:
        choice: as asked.
        surveyed: every chosen episode.
        dofs: by embodiment hash, the canonical DoFs it has numbers for (canonical space).
    """
    good = [one for one in surveyed if one.refused is None]
    refused = tuple(one for one in surveyed if one.refused is not None)
    if not good:
        why = "; ".join(f"{one.episode.episode}: {one.refused}" for one in refused[:3])
        raise ExportError(f"none of the {len(refused)} chosen episodes can be used ({why})")
    robots = sorted({one.vendor.embodiment.id for one in good})
    if choice.target is None and len(robots) > 1:
        raise ExportError(
            f"the selection mixes {len(robots)} robots ({', '.join(robots)}): name one with "
            f"--where \"embodiment = '{robots[0]}'\", or play all of them on one with --as"
        )
    episodes, splits = _ordered(good, choice.splits)
    fps = choice.fps or max(math.floor(min(one.rate_hz for one in good) + 0.5), 1)
    if fps > MAX_FPS:
        raise ExportError(f"--fps {fps}: at most {MAX_FPS}")
    signals, left_out = _signals(choice, good, dofs)
    robot = choice.target.embodiment.id if choice.target else robots[0]
    return DatasetPlan(choice, episodes, refused, robot, fps, splits, signals, left_out)


def _ordered(
    good: Sequence[Surveyed], shares: Sequence[tuple[str, float]]
) -> tuple[tuple[Surveyed, ...], dict[str, tuple[int, int]]]:
    """Episodes in their order, and the splits as ranges of it.

    Takes of one robot with equal positions stay side by side and in one split. Without splits the
    order is that of time; with them it is drawn by the episodes' names, so that every split is a
    sample of all days.
    """
    groups: dict[tuple[str, str], list[Surveyed]] = {}
    for one in sorted(good, key=lambda one: (one.episode.t_first_ns or 0, one.episode.episode)):
        groups.setdefault((one.episode.robot, one.fingerprint), []).append(one)
    order = list(groups.values())
    if shares:
        order.sort(key=lambda g: hashlib.sha256(g[0].episode.episode.encode()).digest())
    episodes = tuple(one for group in order for one in group)
    if not shares:
        return episodes, {"train": (0, len(episodes))}
    total = sum(share for _, share in shares)
    ends = [sum(len(group) for group in order[: i + 1]) for i in range(len(order))]
    splits, start, reached = {}, 0, 0.0
    for place, (name, share) in enumerate(shares):
        reached += share / total * len(episodes)
        last = place == len(shares) - 1
        stop = len(episodes) if last else min(ends, key=lambda end: (abs(end - reached), end))
        stop = max(stop, start)
        splits[name] = (start, stop)
        start = stop
    empty = [name for name, (a, b) in splits.items() if a == b]
    if empty:
        raise ExportError(
            f"split {empty[0]!r} would be empty: {len(episodes)} episodes ({len(order)} without "
            "repeats) are too few for these shares"
        )
    return episodes, splits


def _signals(
    choice: Choice, good: Sequence[Surveyed], dofs: Mapping[str, frozenset[str]]
) -> tuple[SignalPlan, tuple[str, ...]]:
    left_out: list[str] = []
    environment = _environment(good, left_out)
    commanded, limbs = frozenset[str](), tuple[str, ...]()
    if choice.target is not None:
        state = choice.target.joint_names
        limbs = _followed(choice.target, good)
        left_out += [f"solve record of {n}" for n in choice.target.limb_names if n not in limbs]
        if all(commanded_dofs(one.vendor, one.commanded) for one in good):
            commanded = frozenset(state)
    elif choice.space is Space.CANONICAL:
        there = [dofs[one.vendor.embodiment.hash] for one in good]
        state = DOFS if choice.full else common(there, DOFS)
        moved = [commanded_dofs(one.vendor, one.commanded) for one in good]
        commanded = frozenset(common([*there, *moved], DOFS))
    else:
        order = good[0].vendor.profile.channel_names
        if any(one.vendor.profile.channel_names != order for one in good):
            raise ExportError(
                "the selection mixes profiles with other channels: choose one profile"
            )
        state = common([one.channels for one in good], order)
        seen = frozenset().union(*(one.channels for one in good))
        left_out += [f"channel {name}" for name in order if name in seen and name not in state]
        commanded = frozenset(common([one.commanded for one in good], state))
    return (
        SignalPlan(
            choice.space if choice.target is None else Space.NATIVE,
            state,
            commanded,
            _action(choice, commanded),
            environment,
            choice.full and choice.space is Space.CANONICAL and choice.target is None,
            limbs,
        ),
        tuple(left_out),
    )


def _followed(target: TargetPlan, good: Sequence[Surveyed]) -> tuple[str, ...]:
    """The target's limbs that every robot of the selection has, too."""
    for one in good:
        if one.vendor.embodiment.kind != "full":
            raise ExportError(
                f"{one.vendor.embodiment.id} is known at joint level only, so no other robot can "
                f"play it: leave it out with --where \"vendor != '{one.episode.vendor}'\", or "
                "onboard its description"
            )
    segments = [one.vendor.embodiment.segments for one in good]
    found = []
    for limb in target.limb_names:
        side, _, part = limb.partition("_")
        needed = [f"{side}_{segment}" for segment in _SEGMENTS[part]]
        if all(set(needed) <= set(own) for own in segments):
            found.append(limb)
    return tuple(found)


_SEGMENTS = {"arm": ("upper_arm", "forearm"), "leg": ("thigh", "shank")}


def _action(choice: Choice, commanded: frozenset[str]) -> ActionKind:
    if choice.action is None:
        return ActionKind.COMMAND if commanded else ActionKind.NEXT_STATE
    if choice.action is not ActionKind.NEXT_STATE and not commanded:
        raise ExportError(
            f"--action {choice.action}: not every chosen episode holds commands; use next-state"
        )
    return choice.action


def _environment(good: Sequence[Surveyed], left_out: list[str]) -> tuple[str, ...]:
    order = (*BASE, *(f"{s}_{end}" for end in ("hand", "foot") for s in ("left", "right")))
    there = [one.base | one.end_poses for one in good]
    kept = common(there, order)
    seen = frozenset[str]().union(*there)
    left_out += [name for name in order if name in seen and name not in kept]
    return kept
