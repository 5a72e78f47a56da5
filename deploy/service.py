"""One operating-system process of the local stack: how it is started, known to answer, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_LEASH = Path(__file__).with_name("leash.py")
_POLL_S = 0.05
_TAIL_BYTES = 3_000


class ServiceError(RuntimeError):
    """A process did not start; the message holds the end of its log."""


@dataclass(frozen=True)
class Service:
    """What to run.

    Attributes:
        name: for messages and the name of the log.
        command: the program and its arguments.
        log: where standard output and error go, appended.
        env: variables added to those of this process.
        ready: whether it answers; None where running is enough.
        ready_within_s: how long to wait for `ready`.
        stop_within_s: how long SIGTERM may take before SIGKILL follows.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_within_s: float = 60.0
    stop_within_s: float = 10.0


Process = subprocess.Popen[bytes]


def spawn(service: Service) -> Process:
    """Start a service in a session of its own, killed by the kernel if this process dies.

    The kernel watches the thread that calls this, so that thread must live as long as the service.
    """
    service.log.parent.mkdir(parents=True, exist_ok=True)
    leash = (sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()))
    # Append mode, so that a log cut short under a running process goes on at its new end.
    with service.log.open("ab") as log:
        return subprocess.Popen(
            [*leash, *service.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **service.env},
            start_new_session=True,
        )


def wait_until_ready(service: Service, process: Process) -> None:
    """Return once the service answers.

    Raises:
        ServiceError: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + service.ready_within_s
    while process.poll() is None:
        if service.ready is None or service.ready():
            return
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{service.name} did not answer within {service.ready_within_s:.0f} s; "
                f"see {service.log}\n{log_tail(service.log)}"
            )
        time.sleep(_POLL_S)
    raise ServiceError(
        f"{service.name} ended with exit code {process.returncode} before it answered; "
        f"see {service.log}\n{log_tail(service.log)}"
    )


def stop(service: Service, process: Process) -> int:
    """End a service: SIGTERM, then SIGKILL to its whole group. Returns its exit code."""
    terminate(process)
    return await_end(service, process)


def terminate(process: Process) -> None:
    """Ask a service to end; harmless if it has."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)


def await_end(service: Service, process: Process) -> int:
    """Wait for a service that was asked to end, and end it for good. Returns its exit code."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(service.stop_within_s)
    kill_group(process)
    return process.wait()


def kill_group(process: Process) -> None:
    """SIGKILL a service and whatever it started; harmless if all of it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def running(service: Service) -> Iterator[Process]:
    """A service that answers, for as long as the block lasts."""
    process = spawn(service)
    try:
        wait_until_ready(service, process)
        yield process
    finally:
        stop(service, process)


def log_tail(log: Path, size: int = _TAIL_BYTES) -> str:
    """The end of a log, for an error message."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - size))
        return file.read().decode(errors="replace").strip()
    return ""
