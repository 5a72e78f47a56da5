"""The detection table: every defect put into every robot, and whether it was found and named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deploy.quality import QualityResult, check_take
from producers.faults.inject import inject
from producers.faults.simulated import simulated_take
from producers.faults.strike import Struck
from producers.faults.take import RawTake
from producers.fleet.made_vendors import write_robots
from producers.recordings.recording import frames_per_chunk
from schemas.checks import Severity
from schemas.defects import DEFECTS, Defect, Proof
from schemas.vendors import Vendor, Vendors, load_vendors
from streams.signals import signals_of

MADE = ("pal_talos_mjcf", "booster_t1_29dof", "magiclab_magicbot_gen1_with_hand")
MADE_HZ = 50.0

NOT_PROVABLE = "not_provable"
FOUND = "found"
MISSED = "missed"


@dataclass(frozen=True)
class Cell:
    """One defect on one robot.

    Attributes:
        defect, profile: which.
        result: found (named, on the right joint, its frames covered), missed, or not_provable.
        check: what names it, None where nothing can.
        joints: that it struck.
        covered: share of the struck frames within findings of that check on those joints.
    """

    defect: str
    profile: str
    result: str
    check: str | None
    joints: tuple[str, ...]
    covered: float


def detect(vendors: Vendors, vendor: Vendor, take: RawTake, defect: Defect) -> Cell:
    """Put a defect into a take and see whether the checks name it."""
    proof = defect.proved_by(signals_of(vendor.profile, vendor.embodiment))
    if proof is None:
        return Cell(defect.id, vendor.profile.id, NOT_PROVABLE, None, (), 0.0)
    struck = inject(take, defect.id)
    covered = coverage(check_raw(vendors, struck.take), struck, proof)
    result = FOUND if covered >= proof.covers else MISSED
    return Cell(defect.id, vendor.profile.id, result, proof.check, struck.channels, covered)


def coverage(result: QualityResult, struck: Struck, proof: Proof) -> float:
    """Share of the struck frames that findings of the right check and joint cover."""
    found = [f for f in result.findings if f.check == proof.check]
    if struck.channels:
        found = [f for f in found if f.channel in struck.channels]
    inside = np.zeros(len(struck.frames), bool)
    for finding in found:
        inside |= (struck.frames >= finding.first_frame) & (struck.frames < finding.last_frame)
    return float(inside.mean())


def check_raw(vendors: Vendors, take: RawTake) -> QualityResult:
    """Check a take as its robot would send it."""
    profile = take.vendor.profile
    chunks = take.chunks(frames_per_chunk(profile.rate_hz))
    return check_take(vendors, take.vendor, chunks, robot=f"{profile.vendor}/take")


def detection_table(
    vendors: Vendors, robots: Iterable[Vendor], seconds: float, say: Callable[[str], None]
) -> list[Cell]:
    """All defects on all robots, each in a simulated take of so many seconds."""
    cells = []
    for vendor in robots:
        say(f"{len(DEFECTS)} defects on {vendor.profile.id}")
        take = simulated_take(vendor, seconds)
        cells += [detect(vendors, vendor, take, defect) for defect in DEFECTS]
    return cells


def false_errors(vendors: Vendors, vendor: Vendor, seconds: float, seed: int) -> list[str]:
    """Error findings in a clean simulated run, each as check and joint; there should be none."""
    result = check_raw(vendors, simulated_take(vendor, seconds, seed))
    return [
        f"{f.check} {f.channel or ''} {f.first_frame}..{f.last_frame}"
        for f in result.findings
        if f.severity == Severity.ERROR.value
    ]


@dataclass(frozen=True)
class QualityBench:
    """The detection table, and the error findings of clean runs by robot."""

    cells: list[Cell]
    counts: dict[str, int]
    clean_seconds: float
    false_errors: dict[str, list[str]]

    def cell(self, defect: str, profile: str) -> Cell:
        """One defect on one robot."""
        return next(c for c in self.cells if (c.defect, c.profile) == (defect, profile))


def robots_with_all_signals(folder: Path) -> Vendors:
    """The packaged vendors, and robots of three more makers that report all there is to check."""
    write_robots(folder, MADE, MADE_HZ, commands=True, talkative=True)
    return load_vendors(folder)


def bench_quality(
    vendors: Vendors,
    seconds: float,
    clean_robots: int,
    clean_seconds: float,
    say: Callable[[str], None],
) -> QualityBench:
    """The detection table on every vendor, and error findings in clean runs of many robots."""
    robots = list(vendors.by_profile.values())
    cells = detection_table(vendors, robots, seconds, say)
    clean = {}
    for number in range(clean_robots):
        vendor = robots[number % len(robots)]
        name = f"{vendor.profile.id} seed {number}"
        say(f"clean run {number + 1}/{clean_robots}: {name}")
        clean[name] = false_errors(vendors, vendor, clean_seconds, number)
    counts = {
        result: sum(cell.result == result for cell in cells)
        for result in (FOUND, MISSED, NOT_PROVABLE)
    }
    return QualityBench(cells, counts, clean_seconds, clean)
