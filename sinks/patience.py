"""An unreachable broker or store is waited for; anything else that goes wrong is an error."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

import structlog

from sinks.measure import DISK_FULL, WAITING

T = TypeVar("T")
Transient = Callable[[BaseException], bool]
"""Whether an error may pass by itself, so that the same action is worth trying again."""

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0

_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT))
_SAYS_NO_ROOM = re.compile(
    r"no space left|os error 28\b|errno: 28\b|StorageFull|disk quota exceeded|NOT_ENOUGH_SPACE"
    r"|InsufficientStorage|507 ",
    re.IGNORECASE,
)

_log = structlog.get_logger()


def is_disk_full(error: BaseException) -> bool:
    """Whether a store, near or far, says that it has no room left."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return True
    return _SAYS_NO_ROOM.search(str(error)) is not None


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
        self._waits(False, False)

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
                    full = is_disk_full(error)
                    self._waits(True, full)
                    told = "waiting for room: the disk is full" if full else "waiting"
                    _log.warning(told, what=what, error=str(error)[:500], again_in_s=delay)
                    self._idle(delay)
        finally:
            self._waits(False, False)

    def _waits(self, waiting: bool, full: bool) -> None:
        WAITING.labels(self._sink).set(waiting)
        DISK_FULL.labels(self._sink).set(full)


def _delays() -> Iterator[float]:
    delay = FIRST_DELAY_S
    while True:
        yield delay
        delay = min(delay * 2, LONGEST_DELAY_S)
