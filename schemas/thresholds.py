"""Thresholds that are others for some makers, robots or tasks: a table, the closest row counts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from schemas.checks import BY_ID
from schemas.profile import Profile

FILE_NAME = "thresholds.toml"
"""In the folder of one's own profiles, as in this package."""


class ThresholdError(ValueError):
    """A table of thresholds that cannot be used; the message says what to change."""


class Threshold(BaseModel):
    """A row: which check, for whom, and what its two numbers are there.

    Attributes:
        check: id in the catalogue.
        vendor, robot, task: for whom, by the profile's vendor, its embodiment, the episode's task;
            None = for all.
        threshold, least: None = as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    vendor: str | None = None
    robot: str | None = None
    task: str | None = None
    threshold: float | None = None
    least: float | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.check not in BY_ID:
            raise ValueError(f"no check is named {self.check!r}: schemas/checks.toml")
        if self.threshold is None and self.least is None:
            raise ValueError(f"{self.check}: neither a threshold nor a least is given")
        return self

    def concerns(self, profile: Profile) -> bool:
        """Whether robots of a profile are meant."""
        return self.vendor in (None, profile.vendor) and self.robot in (None, profile.embodiment)

    def document(self) -> dict[str, Any]:
        """The row as plain data, for hashing."""
        return self.model_dump(mode="json")


def load_thresholds(folder: Path) -> tuple[Threshold, ...]:
    """Read a folder's table; no file is an empty one."""
    path = folder / FILE_NAME
    if not path.is_file():
        return ()
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        rows = tuple(Threshold.model_validate(row) for row in told.pop("threshold", []))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ThresholdError(f"{path}: {error}") from None
    if told:
        raise ThresholdError(f"{path}: only [[threshold]] tables, not {', '.join(told)}")
    return rows


def resolve(
    profile: Profile, rows: Sequence[Threshold], task: str | None, check: str
) -> tuple[float, float]:
    """A check's two numbers for a robot at a task.

    The catalogue's, then rows for a vendor, for a robot, the profile's own, rows for the task; what
    comes later counts. Of rows for the same, the one that says more about whom it is for.
    """
    general = [row for row in rows if row.task is None]
    special = [row for row in rows if row.task is not None and row.task == task]
    threshold, least = BY_ID[check].threshold, BY_ID[check].least
    threshold, least = _applied(general, check, threshold, least)
    own = profile.checks.get(check)
    if own is not None:
        threshold = threshold if own.threshold is None else own.threshold
        least = least if own.least is None else own.least
    return _applied(special, check, threshold, least)


def _applied(
    rows: Iterable[Threshold], check: str, threshold: float, least: float
) -> tuple[float, float]:
    for row in sorted(rows, key=lambda row: (row.robot is not None, row.vendor is not None)):
        if row.check == check:
            threshold = threshold if row.threshold is None else row.threshold
            least = least if row.least is None else row.least
    return threshold, least
