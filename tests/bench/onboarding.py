"""The finder against hand-read truth: per complex, per body, and over makers left out.

python -m tests.bench.onboarding SHARED/robots [--show] [--all] [--variants]
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from producers.onboarding.description import DescriptionError
from producers.onboarding.find import find_body
from producers.onboarding.read import read_description
from tests.bench.variants import VARIANTS, Vary, as_told

# The truth's one reading by actuation, which its note tells in words.
_MOTORS = {
    "left_knee": "left_knee_act",
    "right_knee": "right_knee_act",
    "neck_pitch": "neck_pitch_act",
    "waist_roll": "waist_act_1",
    "waist_yaw": "waist_act_2",
}
# A note that holds one of these tells a person that the mapping may be wrong.
_DOUBTS = ("with confidence", "sides:", "facing:", "up:", "legs:", "a single arm")
_SIDED = re.compile(r"^(left|right)_")


@dataclass
class BodyScore:
    """One body: labelled joints right, complexes that differ, and whether sides are swapped."""

    id: str
    labelled: int = 0
    right: int = 0
    wrong: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    facing: bool = True
    swapped: bool = False
    hands: bool = True
    wheels: bool = True
    pose: bool = True
    doubted: bool = False
    error: str = ""

    @property
    def maker(self) -> str:
        return self.id.split("/")[0]

    @property
    def entire(self) -> bool:
        """All complexes in chain order, facing and up right."""
        return not self.wrong and self.facing and not self.error


def alternatives(truth: Mapping[str, Any]) -> list[dict[str, list[str]]]:
    """The labelled complexes, and each reading that the note calls defensible."""
    found: list[dict[str, list[str]]] = [truth["complexes"]]
    for reading in re.findall(r"ALT[^:]*: ([^.]*)\.", truth["note"] + "."):
        found += [_reread(before, reading, truth) for before in found]
    return found


def _reread(
    own: dict[str, list[str]], reading: str, truth: Mapping[str, Any]
) -> dict[str, list[str]]:
    c = {k: list(v) for k, v in own.items()}
    if reading.strip() in ("left", "right"):
        return {_other(k): v for k, v in c.items()}
    for name, joint in re.findall(r"(\w+)=\[(\w+)\]", reading):
        for side in ("left", "right"):
            target = _SIDED.sub(f"{side}_", name) if _SIDED.match(name) else f"{side}_{name}"
            swap = joint if side == "left" else re.sub("^l_", "r_", joint)
            if any(swap in c[own] for own in c if own.startswith(side)):
                c = {k: [j for j in v if j != swap] for k, v in c.items()}
                c[target] = [swap]
    if "last wrist joint" in reading:
        for side in ("left", "right"):
            extra = [j for j in truth["hand_joints"][side] if "grasper_base" in j]
            c[f"{side}_wrist"] += extra
    if "_drive" in reading:
        c = {k: [_MOTORS.get(j, j.replace("_driven", "_drive")) for j in v] for k, v in c.items()}
    return c


def _other(name: str) -> str:
    swap = {"left": "right", "right": "left"}
    return _SIDED.sub(lambda m: f"{swap[m[1]]}_", name)


def score(truth: Mapping[str, Any], file: Path, vary: Vary = as_told) -> BodyScore:
    """Score the finder on one body, by the reading it fits best; told otherwise if asked for."""
    try:
        variant = vary(read_description(file))
        seen = find_body(variant.description).document()
    except DescriptionError as error:
        count = sum(len(v) for v in truth["complexes"].values())
        return BodyScore(truth["id"], labelled=count, error=str(error))
    readings = [variant.truth({**truth, "complexes": c})["complexes"] for c in alternatives(truth)]
    truth = variant.truth(truth)
    best = max(
        (_score(truth, reading, seen) for reading in readings),
        key=lambda s: (s.entire, s.right / max(s.labelled, 1)),
    )
    best.facing = (seen["forward"], seen["up"]) == (truth["forward"], truth["up"])
    best.hands = all(
        set(seen["hand_joints"][s]) == set(truth["hand_joints"][s]) for s in ("left", "right")
    )
    best.wheels = set(seen["lift_or_wheels"]) == set(truth["lift_or_wheels"])
    best.pose = seen["zero_pose"] == truth["zero_pose"]
    best.doubted = any(doubt in note for doubt in _DOUBTS for note in seen["confirm"])
    return best


def _score(
    truth: Mapping[str, Any], reading: dict[str, list[str]], seen: dict[str, Any]
) -> BodyScore:
    s = BodyScore(truth["id"])
    place = {j: k for k, v in seen["complexes"].items() for j in v}
    for name, joints in reading.items():
        s.labelled += len(joints)
        s.right += sum(place.get(j) == name for j in joints)
        if seen["complexes"][name] != joints:
            s.wrong[name] = (joints, seen["complexes"][name])
        for j in joints:
            there = place.get(j)
            s.swapped |= (
                there is not None and name != _other(name) and there[:4] == _other(name)[:4]
            )
    return s


def load(robots: Path) -> Iterable[tuple[dict[str, Any], Path]]:
    """Truth and file of every labelled body."""
    with (robots / "INDEX.csv").open(encoding="utf-8") as text:
        files = {row["id"]: robots / row["file"] for row in csv.DictReader(text)}
    for line in (robots / "complexes.jsonl").read_text(encoding="utf-8").splitlines():
        truth = json.loads(line)
        yield truth, files[truth["id"]]


def held_out(makers: Iterable[str], seed: int) -> set[str]:
    """Half of the makers, which development with this seed does not look at."""
    order = sorted(set(makers))
    random.Random(seed).shuffle(order)
    return set(order[len(order) // 2 :])


def figures(scores: list[BodyScore]) -> dict[str, float]:
    """Shares over some bodies."""
    labelled = sum(s.labelled for s in scores)
    bodies = max(len(scores), 1)
    return {
        "bodies": len(scores),
        "joints_right": round(sum(s.right for s in scores) / max(labelled, 1), 4),
        "bodies_entirely_right": round(sum(s.entire for s in scores) / bodies, 4),
        "swapped": sum(s.swapped for s in scores),
        "facing_right": round(sum(s.facing for s in scores) / bodies, 4),
        "hands_right": round(sum(s.hands for s in scores) / bodies, 4),
        "lift_or_wheels_right": round(sum(s.wheels for s in scores) / bodies, 4),
        "zero_pose_right": round(sum(s.pose for s in scores) / bodies, 4),
        "wrong_and_not_doubted": sum(not s.entire and not s.doubted for s in scores),
    }


def main() -> None:
    """Print the figures; with --show, the failures of the development half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("robots", type=Path)
    parser.add_argument("--seed", type=int, default=7, help="of the split by maker")
    parser.add_argument("--show", action="store_true", help="failures of the development half")
    parser.add_argument("--all", action="store_true", help="failures of all")
    parser.add_argument("--variants", action="store_true", help="the same robots told otherwise")
    given = parser.parse_args()
    if given.variants:
        for name, vary in VARIANTS.items():
            told = [score(truth, file, vary) for truth, file in load(given.robots)]
            print(json.dumps({name: figures(told)}), flush=True)
        return
    scores = [score(truth, file) for truth, file in load(given.robots)]
    out = held_out((s.maker for s in scores), given.seed)
    if given.show or given.all:
        for s in scores:
            if (given.all or s.maker not in out) and not (
                s.entire and s.hands and s.wheels and s.pose
            ):
                print(
                    s.id,
                    "" if s.facing else "FACING",
                    "SWAPPED" if s.swapped else "",
                    s.error,
                    "" if s.hands else "hands",
                    "" if s.wheels else "wheels",
                    "" if s.pose else "pose",
                )
                for name, (want, got) in s.wrong.items():
                    print(f"    {name}: {want} != {got}")
    wrong = Counter(name for s in scores for name in s.wrong)
    splits = {}
    for seed in range(given.seed, given.seed + 5):
        half = held_out((s.maker for s in scores), seed)
        splits[seed] = figures([s for s in scores if s.maker in half])
    print(json.dumps({
        "all": figures(scores),
        "development": figures([s for s in scores if s.maker not in out]),
        "held_out": figures([s for s in scores if s.maker in out]),
        "held_out_by_seed": splits,
        "wrong_by_complex": dict(wrong.most_common()) if given.all else {},
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
