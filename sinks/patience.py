"""An unreachable broker or store is waited for; anything else that goes wrong is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import structlog

from sinks.measure import WAITING

T = TypeVar("T")
Transient = Callable[[BaseException], bool]
"""Whether an error may pass by itself, so that the same action is worth trying again."""

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0

_log = structlog.get_logger()


class Patience:
    """Tries an action until it succeeds, idling between attempts.

    Args:
        sink: the sink's name, for metrics and logs.
        idle: waits that many seconds and keeps the consumer in its group meanwhile; raises to
            give the action up: when partitions change hands or the process is told to stop.
    """

    def __init__(self, sink: str, idle: Callable[[float], None]) -> None:
        self._sink = sink
        self._idle = idle
        WAITING.labels(sink).set(0)

    def attempt(self, what: str, action: Callable[[], T], transient: Transient) -> T:
        """The action's result, after as many attempts as it takes."""
        delays = _delays()
        try:
            while True:
                try:
                    return action()
                except Exception as error:
                    if not transient(error):
                        raise
                    delay = next(delays)
                    WAITING.labels(self._sink).set(1)
                    _log.warning("waiting", what=what, error=str(error)[:500], again_in_s=delay)
                    self._idle(delay)
        finally:
            WAITING.labels(self._sink).set(0)


def _delays() -> Iterator[float]:
    delay = FIRST_DELAY_S
    while True:
        yield delay
        delay = min(delay * 2, LONGEST_DELAY_S)
