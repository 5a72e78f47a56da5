"""Records handed to Kafka and not yet reported on, in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class Flown:
    """One record in flight; `delivered` is None until Kafka reports on it."""

    sequence: int
    frames: int
    delivered: bool | None = None


class Flight:
    """Finds how far everything is acknowledged, whatever order the reports come in.

    After a report of failure nothing behind it counts: once all reports are in, what was not
    acknowledged is to be handed over again, in order.
    """

    def __init__(self, acknowledged: int) -> None:
        self._flown: deque[Flown] = deque()
        self._open = 0
        self.handed = acknowledged
        self.failed = False

    def __len__(self) -> int:
        return self._open

    def hand(self, flown: Flown) -> None:
        """A record was given to Kafka."""
        self._flown.append(flown)
        self._open += 1
        self.handed = flown.sequence

    def report(self, flown: Flown, delivered: bool) -> list[Flown]:
        """Take in a delivery report; returns the records that are now acknowledged, in order."""
        flown.delivered = delivered
        self._open -= 1
        self.failed = self.failed or not delivered
        done = []
        while self._flown and self._flown[0].delivered:
            done.append(self._flown.popleft())
        return done

    def rewind(self, acknowledged: int) -> None:
        """Begin again behind what is acknowledged; only when no report is outstanding."""
        if self._open:
            raise RuntimeError(f"{self._open} delivery reports are outstanding")
        self._flown.clear()
        self.handed = acknowledged
        self.failed = False
