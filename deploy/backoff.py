"""When to start a process again that has ended: soon, then ever later."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 15.0
SETTLED_AFTER_S = 10.0


@dataclass(frozen=True)
class Backoff:
    """How often in a row a process has ended soon after its start."""

    in_a_row: int = 0

    @property
    def delay_s(self) -> float:
        """How long to wait before the next start."""
        if self.in_a_row == 0:
            return 0.0
        return float(min(FIRST_DELAY_S * 2.0 ** min(self.in_a_row - 1, 30), LONGEST_DELAY_S))

    def ended(self, ran_s: float) -> Backoff:
        """After a run of that long; one that lasted counts as a first."""
        return Backoff(1 if ran_s >= SETTLED_AFTER_S else self.in_a_row + 1)
