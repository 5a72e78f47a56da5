"""The section `truth` of `kinebus bench body`: every figure that says the body is right."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deploy.bench.body_clips import RECORDED, WALK, recorded_links, walk_agreement
from deploy.bench.body_follow import follow, merge
from deploy.bench.body_limbs import direction_errors, judged, mirror_errors, way_back
from deploy.bench.body_reach import find_arms, judge_pair, summarise
from deploy.bench.body_truth import (
    SQUARE_DEG,
    Subject,
    axis_errors,
    kinematics_error,
    make_subject,
    neutral_error,
)
from deploy.bench.body_witness import NoWitnessError, open_witness
from producers.onboarding.description import DescriptionError
from producers.onboarding.onboard import onboard

Say = Callable[[str], None]

# What the figures are held to.
FK_M, ZERO_RAD, DIRECTION_DEG, MIRROR_RAD, BACK_RAD = 1e-9, 1e-6, 3.0, 1e-6, 1e-5


@dataclass(frozen=True)
class Truth:
    """What is measured on.

    Attributes:
        shared: Folder that holds `robots/` (INDEX.csv) and `recordings/`.
        robots: How many with both arms, each of another maker, are retargeted to each other.
        frames: Goals a pair.
    """

    shared: Path
    robots: int = 24
    frames: int = 8


def measure_truth(of: Truth, say: Say) -> dict[str, Any]:
    """All of it, on the robots and recordings of a folder."""
    shared, pairs_of, frames = of.shared, of.robots, of.frames
    subjects, unread = open_subjects(shared / "robots")
    say(f"{len(subjects)} bodies beside their witness")
    bodies = {name: judge_body(subject) for name, subject in subjects.items()}
    say("one walk on several robots, recorded links")
    clips = {
        "walk": walk_agreement(shared / "recordings", {n: subjects[n] for n in WALK}),
        "twist2": recorded_links(shared / "recordings", subjects[RECORDED]),
    }
    chosen = two_armed(subjects, pairs_of)
    say(f"{len(chosen)} robots with both arms, each to each")
    rows = [
        row
        for a, source in chosen.items()
        for b, target in chosen.items()
        if a != b
        for row in judge_pair(source, target, find_arms(target), frames)
    ]
    say("recordings at half speed on each of them")
    followed = merge(
        [follow(shared / "recordings", subjects[RECORDED], target) for target in chosen.values()]
    )
    return {
        "bodies": _gather(bodies, unread),
        **clips,
        "pairs": {"robots": list(chosen), **summarise(rows)},
        "half_speed": followed,
    }


def open_subjects(robots: Path) -> tuple[dict[str, Subject], dict[str, str]]:
    """Every body of the index that onboarding and a witness read; the others with the reason."""
    found, unread = dict[str, Subject](), dict[str, str]()
    with (robots / "INDEX.csv").open(encoding="utf-8") as text:
        index = [row for row in csv.DictReader(text) if row["kind"] != "hand"]
    labelled = (robots / "complexes.jsonl").read_text(encoding="utf-8").splitlines()
    bodies = {json.loads(line)["id"] for line in labelled}
    for row in index:
        if row["id"] not in bodies:
            continue
        file = robots / row["file"]
        try:
            robot = onboard(file).embodiment
            found[row["id"]] = make_subject(robot, open_witness(file, robot.root))
        except (DescriptionError, NoWitnessError) as error:
            unread[row["id"]] = str(error)
    return found, unread


def two_armed(subjects: Mapping[str, Subject], count: int) -> dict[str, Subject]:
    """Bodies with both arms driven by motors of their own, the first of each maker."""
    found, makers = dict[str, Subject](), set[str]()
    for name, subject in subjects.items():
        maker = name.split("/")[0]
        if maker not in makers and len(found) < count and find_arms(subject):
            makers.add(maker)
            found[name] = subject
    return found


def judge_body(subject: Subject) -> dict[str, Any]:
    """All that concerns one robot alone."""
    return {
        "kinematics": kinematics_error(subject),
        "neutral": neutral_error(subject),
        "axes": axis_errors(subject),
        "directions": direction_errors(subject),
        "mirror": mirror_errors(subject),
        "way_back_rad": way_back(subject),
    }


def _gather(bodies: Mapping[str, Mapping[str, Any]], unread: Mapping[str, str]) -> dict[str, Any]:
    """Over all bodies: the largest figure of each kind, and whatever is not as it should be."""
    axes = [
        (f"{name} {dof}", seen) for name, b in bodies.items() for dof, seen in b["axes"].items()
    ]
    directions = [
        (f"{name} {segment}", seen)
        for name, b in bodies.items()
        for segment, seen in b["directions"].items()
    ]
    fair = [(name, seen["median_deg"]) for name, seen in directions if judged(seen)]
    mirrors = {name: b["mirror"] for name, b in bodies.items() if b["mirror"] is not None}
    back = [
        (f"{n} {limb}", off) for n, b in bodies.items() for limb, off in b["way_back_rad"].items()
    ]
    off = [seen["off_deg"] for _, seen in axes]
    return {
        "judged": len(bodies),
        "unread": dict(unread),
        "kinematics": {
            "largest_m": max(b["kinematics"]["key_point_m"] for b in bodies.values()),
            "largest_rad": max(b["kinematics"]["segment_rad"] for b in bodies.values()),
            "beyond": _names(bodies, lambda b: b["kinematics"]["key_point_m"] > FK_M),
        },
        "neutral": {
            "reachable": sum(b["neutral"]["reachable"] for b in bodies.values()),
            "largest_rad": max(b["neutral"]["largest_rad"] for b in bodies.values()),
            "beyond": _names(bodies, lambda b: b["neutral"]["largest_rad"] > ZERO_RAD),
            "kept_offsets": {
                n: b["neutral"]["kept"] for n, b in bodies.items() if b["neutral"]["kept"]
            },
        },
        "axes": {
            "dofs": len(axes),
            "within_0.1_deg": sum(deg <= SQUARE_DEG for deg in off),
            "within_10_deg": sum(deg <= 10.0 for deg in off),
            "leaning": {
                n: [round(s["off_deg"], 1), round(s["parent_leans_deg"], 1)]
                for n, s in axes
                if s["off_deg"] > SQUARE_DEG
            },
        },
        "directions": {
            "judged": len(fair),
            "median_deg": round(float(np.median([deg for _, deg in fair])), 4),
            "beyond": {n: round(deg, 2) for n, deg in fair if deg > DIRECTION_DEG},
            "not_judged": {
                n: s.get("reason")
                or f"axes miss their centre by {s['spread_pct']:.1f} % of limb length "
                f"(median {s['median_deg']:.1f} deg)"
                for n, s in directions
                if not judged(s)
            },
        },
        "mirror": {
            "bodies": len(mirrors),
            "symmetric": sum(m["asymmetry_rad"] <= MIRROR_RAD for m in mirrors.values()),
            "largest_beyond_own_asymmetry_rad": max(
                (m["error_rad"] - m["asymmetry_rad"] for m in mirrors.values()), default=math.nan
            ),
            "beyond": _names(mirrors, lambda m: m["error_rad"] > m["asymmetry_rad"] + MIRROR_RAD),
            "without_partner": sorted(set(bodies) - set(mirrors)),
        },
        "way_back": {
            "limbs": len(back),
            "largest_p99_rad": max((off for _, off in back), default=math.nan),
            "beyond": {n: off for n, off in back if off > BACK_RAD},
        },
    }


def _names(rows: Mapping[str, Any], bad: Callable[[Any], bool]) -> Sequence[str]:
    return [name for name, row in rows.items() if bad(row)]
