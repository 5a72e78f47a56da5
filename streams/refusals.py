"""When a vendor's refusals are too many: its partitions rest, so that somebody can mend the cause.

A vendor whose profile is missing or wrong would fill its dead letters at full speed. Its raw
records are safe where they are; those that wait are worked on by whatever is mended by then.
Log time and records decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

WINDOW_MS = 60_000
SHARE = 0.5


class PauseRule(NamedTuple):
    """Too many: so many refusals within a minute of log time, and half of the vendor's records.

    Attributes:
        refusals: how many; 0 never pauses.
        pause_s: how long the vendor's partitions then rest.
    """

    refusals: int
    pause_s: float


class Tally(NamedTuple):
    """A vendor's records, ticks aside, since a log time."""

    since_ms: int = 0
    records: int = 0
    refused: int = 0


def tallied(
    tally: Tally, rule: PauseRule, counts: Mapping[str, int], log_ms: int
) -> tuple[Tally, bool]:
    """The tally after a fold, and whether the vendor pauses now; then it begins anew."""
    if log_ms - tally.since_ms >= WINDOW_MS:
        tally = Tally(log_ms)
    records = sum(count for outcome, count in counts.items() if outcome != "tick")
    tally = tally._replace(
        records=tally.records + records, refused=tally.refused + counts.get("dead_letter", 0)
    )
    too_many = 0 < rule.refusals <= tally.refused and tally.refused >= SHARE * tally.records
    return (Tally(log_ms), True) if too_many else (tally, False)
