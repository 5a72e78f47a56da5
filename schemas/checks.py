"""The check catalogue: what each check means to an operator, its unit, thresholds and needs."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Severity(StrEnum):
    """How much a finding matters to an operator."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Answer(StrEnum):
    """What a check says about a robot or an episode."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        id: its name in findings.
        severity: of its findings.
        group: timing, values, body, mismatch or episode.
        meaning: one sentence to the operator.
        unit: of value and threshold.
        threshold: default; a value past it is a finding.
        needs: signals without which it is not applicable; `a|b` is met by either.
        bit: its place in the 64-bit frame flags; None where it judges a session or an episode.
        scope: frame, session or episode: what a finding is about.
        least: the second number some checks need, in `least_unit`.
        per_joint: whether its findings name a joint.
    """

    id: str
    severity: Severity
    group: str
    meaning: str
    unit: str
    threshold: float
    needs: tuple[str, ...]
    bit: int | None = None
    scope: str = "frame"
    least: float = 0.0
    least_unit: str = ""
    per_joint: bool = False

    @property
    def mask(self) -> int:
        """Its flag as an integer, 0 without one."""
        return 0 if self.bit is None else 1 << self.bit

    def applies(self, signals: Collection[str]) -> bool:
        """Whether a robot reports what the check needs."""
        return all(any(one in signals for one in need.split("|")) for need in self.needs)

    def document(self) -> dict[str, Any]:
        """The check as plain data, for hashing."""
        return asdict(self)


def _load(path: Path) -> tuple[Check, ...]:
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["check"]
    return tuple(
        Check(**{**row, "severity": Severity(row["severity"]), "needs": tuple(row["needs"])})
        for row in rows
    )


CATALOGUE: tuple[Check, ...] = _load(Path(__file__).with_suffix(".toml"))

BY_ID: Mapping[str, Check] = {check.id: check for check in CATALOGUE}

FRAME_CHECKS: tuple[Check, ...] = tuple(check for check in CATALOGUE if check.scope == "frame")
"""Those that flag frames, in the order of the kernels' tables."""

ROW: Mapping[str, int] = {check.id: row for row, check in enumerate(FRAME_CHECKS)}

GAP = BY_ID["gap"]
