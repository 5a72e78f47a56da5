"""Keeps processes running: starts again what dies, stops all of them in order."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum

from deploy.backoff import Backoff
from deploy.logs import bound_log
from deploy.service import (
    Process,
    Service,
    await_end,
    kill_group,
    spawn,
    terminate,
    wait_until_ready,
)

CRASHED_ON_PURPOSE = 70
_TICK_S = 0.05
_LOG_CHECK_S = 5.0


class Stage(IntEnum):
    """The order of stopping: what feeds the log first, the log itself last."""

    PRODUCER = 0
    WORKER = 1
    SINK = 2
    STORE = 3
    LOG = 4


@dataclass(frozen=True)
class ProcessState:
    """One supervised process as it is now. `pid` is None while it waits to be started again."""

    name: str
    pid: int | None
    restarts: int
    last_exit: str
    started_at: float


@dataclass
class _Kept:
    service: Service
    stage: Stage
    due_at: float = 0.0
    process: Process | None = None
    started_at: float = 0.0
    restarts: int = 0
    last_exit: str = ""
    backoff: Backoff = field(default_factory=Backoff)
    first_started: threading.Event = field(default_factory=threading.Event)


class Supervisor:
    """Runs services until `stop`.

    One thread starts them all and lives until they have ended: the kernel kills a service when
    the thread that started it is gone.

    Args:
        say: takes a line for people whenever a process ends or cannot be started.
    """

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        self._say = say
        self._changed: Callable[[], None] = lambda: None
        self._kept: list[_Kept] = []
        self._lock = threading.RLock()
        self._stopping = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="supervisor", daemon=True)
        self._thread.start()

    def add(self, service: Service, stage: Stage) -> Callable[[], None]:
        """Start a service and keep it running. Returns a wait for it to answer.

        Started one after another and waited for together, services come up side by side. The wait
        raises `ServiceError` if the service ends, or does not answer in time.
        """
        kept = _Kept(service, stage)
        with self._lock:
            self._kept.append(kept)

        def wait() -> None:
            kept.first_started.wait()
            process = kept.process
            if process is not None:
                wait_until_ready(service, process)

        return wait

    def when_changed(self, callback: Callable[[], None]) -> None:
        """Call this now and after every change of the states, never twice at once."""
        with self._lock:
            self._changed = callback
            callback()

    def states(self) -> tuple[ProcessState, ...]:
        """All processes, in the order they were added."""
        with self._lock:
            return tuple(
                ProcessState(
                    kept.service.name,
                    kept.process.pid if kept.process else None,
                    kept.restarts,
                    kept.last_exit,
                    kept.started_at,
                )
                for kept in self._kept
            )

    def stop(self) -> None:
        """Stop all services, stage by stage, those of one stage side by side."""
        with self._lock:
            self._stopping = True
        for stage in Stage:
            running = [
                (kept, kept.process)
                for kept in self._kept
                if kept.stage is stage and kept.process is not None
            ]
            for _, process in running:
                terminate(process)
            for kept, process in running:
                kept.last_exit = describe_exit(await_end(kept.service, process))
                kept.process = None
        self._ended.set()
        self._thread.join()

    def _keep(self) -> None:
        next_log_check = 0.0
        while not self._ended.wait(_TICK_S):
            with self._lock:
                if self._stopping:
                    continue
                changed = [self._look_after(kept) for kept in self._kept]
                logs = [kept.service.log for kept in self._kept]
                if any(changed):
                    # A full disk or a closed terminal must not end the watch.
                    with suppress(OSError):
                        self._changed()
            if time.monotonic() >= next_log_check:
                next_log_check = time.monotonic() + _LOG_CHECK_S
                for log in logs:
                    with suppress(OSError):
                        bound_log(log)

    def _look_after(self, kept: _Kept) -> bool:
        now = time.monotonic()
        if kept.process is None:
            if now < kept.due_at:
                return False
            self._start(kept)
            return True
        if kept.process.poll() is None:
            return False
        # What it may have started must not stay behind.
        kill_group(kept.process)
        kept.last_exit = describe_exit(kept.process.returncode)
        kept.process = None
        kept.restarts += 1
        kept.backoff = kept.backoff.ended(time.time() - kept.started_at)
        kept.due_at = now + kept.backoff.delay_s
        self._report(
            f"{kept.service.name} ended ({kept.last_exit}), is started again "
            f"in {kept.backoff.delay_s:.1f} s; see {kept.service.log}"
        )
        return True

    def _report(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._say(line)

    def _start(self, kept: _Kept) -> None:
        kept.started_at = time.time()
        try:
            kept.process = spawn(kept.service)
        except (OSError, subprocess.SubprocessError) as error:
            kept.backoff = kept.backoff.ended(0.0)
            kept.due_at = time.monotonic() + kept.backoff.delay_s
            kept.last_exit = f"could not be started: {error}"
            self._report(f"{kept.service.name} {kept.last_exit}")
        kept.first_started.set()


def describe_exit(code: int) -> str:
    """An exit code in words."""
    if code == CRASHED_ON_PURPOSE:
        return f"exit {code}, it met an unexpected error and gave up before losing anything"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit {code}"
