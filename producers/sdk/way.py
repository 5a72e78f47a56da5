"""A session's way to Kafka: link, spool, and what earlier sessions left in it."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from producers.sdk.backlog import MemoryBacklog
from producers.sdk.link import Link, UnknownTopicError
from producers.sdk.record import Identity
from producers.sdk.sender import Sender
from producers.sdk.spool import SpoolLimits
from producers.sdk.spool_root import (
    SessionState,
    SpooledSession,
    begin_session,
    load_sessions,
    lock_root,
    may_resume,
    new_session,
    this_boot,
)

log = logging.getLogger("kinebus.sdk")

PIN_SECONDS = 1.0
PIN_WAIT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class WaySettings:
    """Sizes and times of a session's way.

    Attributes:
        spool: bounds of the spool on disk.
        memory_bytes: bound of what waits where there is no spool.
        sync_seconds: how often the spool is written through to the disk; None leaves it to the
            kernel, so that a power cut may take some half a minute.
        connect_seconds: how long opening waits for a broker; without one it goes on and spools.
        linger_ms: how long librdkafka waits to fill a request.
        compression: of batches, by librdkafka.
    """

    spool: SpoolLimits = field(default_factory=SpoolLimits)
    memory_bytes: int = 8 * 1024**2
    sync_seconds: float | None = 1.0
    connect_seconds: float = 2.0
    linger_ms: float = 15.0
    compression: str = "lz4"


@dataclass
class Step:
    """A sender on the way, with its folder where it has one."""

    sender: Sender
    spooled: SpooledSession | None
    pin_at: float = 0.0


class Way:
    """Carries a session to Kafka, behind what earlier sessions of the same spool still hold.

    Attributes:
        link: the connection, which may be shared.
        resumed: whether the session began in an earlier process.
        sender: the session's own.
    """

    def __init__(
        self,
        link: Link,
        steps: list[Step],
        *,
        owns_link: bool,
        resumed: bool,
        lock: int | None,
        sync_seconds: float | None,
    ) -> None:
        self.link = link
        self.resumed = resumed
        self.sender = steps[-1].sender
        self._owns_link = owns_link
        self._steps = steps
        self._lock = lock
        self._sync_seconds = sync_seconds
        self._synced = 0.0
        self._closed = False

    def tick(self, now: float) -> None:
        """What the link's thread does for a session every few hundredths of a second."""
        for step in self._steps:
            if not step.sender.pinned and now >= step.pin_at:
                step.pin_at = now + PIN_SECONDS
                try:
                    _pin(step, self.link, PIN_WAIT_SECONDS)
                except UnknownTopicError as error:
                    log.error("%s; its records wait", error)
            step.sender.feed(now)
        if self._sync_seconds is not None and now - self._synced >= self._sync_seconds:
            self._synced = now
            self.sender.sync()

    def wait(self, timeout: float | None) -> bool:
        """Wait until Kafka has everything, earlier sessions included."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return all(
            step.sender.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
            for step in self._steps
        )

    def close(self) -> None:
        """Delete what Kafka has from the spool, keep the rest for the next session."""
        if self._closed:
            return
        self._closed = True
        for step in self._steps:
            drained = step.sender.drained
            step.sender.close()
            if step.spooled is not None and drained:
                step.spooled.remove()
        if self._owns_link:
            self.link.close()
        if self._lock is not None:
            os.close(self._lock)


def open_way(
    robot: str,
    profile: str,
    settings: WaySettings,
    *,
    bootstrap: str | None,
    link: Link | None,
    spool: Path | None,
    fresh: bool,
) -> Way:
    """Connect, take the spool, resume or begin a session.

    Raises:
        UnknownTopicError: the broker has no topic for the robot's vendor.
        SpoolInUseError: another process has the spool open.
    """
    if (link is None) == (bootstrap is None):
        raise ValueError("give either bootstrap or link")
    lock = None if spool is None else lock_root(spool)
    own = link is None
    if link is None:
        assert bootstrap is not None
        link = Link(bootstrap, linger_ms=settings.linger_ms, compression=settings.compression)
    try:
        if spool is None:
            identity = Identity(robot, new_session(), profile)
            backlog = MemoryBacklog(settings.memory_bytes)
            steps = [Step(Sender(identity, backlog, link), None)]
            resumed = False
        else:
            found = load_sessions(spool, settings.spool)
            boot = this_boot()
            resumed = bool(found) and not fresh and may_resume(found[-1], robot, profile, boot)
            if not resumed:
                state = SessionState(robot, profile, new_session(), boot)
                found.append(begin_session(spool, state, settings.spool, found))
            steps = _steps(found, link)
        if not steps[-1].sender.pinned:
            _pin(steps[-1], link, settings.connect_seconds)
    except BaseException:
        if own:
            link.close()
        if lock is not None:
            os.close(lock)
        raise
    return Way(
        link,
        steps,
        owns_link=own,
        resumed=resumed,
        lock=lock,
        sync_seconds=settings.sync_seconds,
    )


def _steps(found: list[SpooledSession], link: Link) -> list[Step]:
    steps: list[Step] = []
    for spooled in found:
        follows = steps[-1].sender if steps else None
        sender = Sender(spooled.state.identity, spooled.spool, link, follows=follows)
        if spooled.state.partitions is not None:
            sender.pin(spooled.state.partitions)
        steps.append(Step(sender, spooled))
    return steps


def _pin(step: Step, link: Link, timeout: float) -> None:
    partitions = link.partitions(step.sender.identity.topic, timeout)
    if partitions is not None:
        if step.spooled is not None:
            step.spooled.pin(partitions)
        step.sender.pin(partitions)
