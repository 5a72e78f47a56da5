"""`stack.json`: what a running stack is and where, for other processes to read."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path


class HomeInUseError(RuntimeError):
    """Another stack runs in this home."""


@dataclass(frozen=True)
class ProcessRecord:
    """One process of a running stack; no pid while it waits to be started again."""

    name: str
    pid: int | None
    restarts: int
    last_exit: str
    started_at: float
    metrics_port: int
    log: str


@dataclass(frozen=True)
class StackRecord:
    """A running stack: addresses, what was chosen (in words), processes. Times are unix seconds."""

    pid: int
    started_at: float
    metrics_port: int
    bootstrap: str
    clickhouse_url: str
    lake_url: str
    schema_registry_url: str | None
    partitions: int
    vendors: tuple[str, ...]
    chosen: dict[str, str]
    processes: tuple[ProcessRecord, ...]


def stack_path(home: Path) -> Path:
    """Where the record of the stack of this home stands."""
    return home / "stack.json"


def write_stack(home: Path, record: StackRecord) -> None:
    """Replace the record at once: a reader never sees half of it."""
    path = stack_path(home)
    arriving = path.with_suffix(".arriving")
    arriving.write_text(json.dumps(asdict(record), indent=2) + "\n")
    arriving.replace(path)


def targets_path(home: Path) -> Path:
    """Where Prometheus finds this home's processes (`file_sd_configs`)."""
    return home / "prometheus-targets.json"


def write_targets(home: Path, record: StackRecord) -> None:
    """Name every process that answers Prometheus, by what it is."""
    ports = {p.name: p.metrics_port for p in record.processes if p.metrics_port}
    targets = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"process": name}}
        for name, port in {"supervisor": record.metrics_port, **ports}.items()
    ]
    path = targets_path(home)
    arriving = path.with_suffix(".arriving")
    arriving.write_text(json.dumps(targets, indent=2) + "\n")
    arriving.replace(path)


def read_stack(home: Path) -> StackRecord | None:
    """The stack that runs in this home; None when none does, whatever a killed one left behind."""
    if not _is_held(home):
        return None
    try:
        document = json.loads(stack_path(home).read_text())
    except FileNotFoundError:
        return None
    processes = tuple(ProcessRecord(**process) for process in document.pop("processes"))
    vendors = tuple(document.pop("vendors"))
    return StackRecord(**document, vendors=vendors, processes=processes)


@contextmanager
def hold_home(home: Path) -> Iterator[None]:
    """Keep other stacks out of this home; the kernel lets go when this process ends.

    Raises:
        HomeInUseError: another stack runs in it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeInUseError(
                f"a stack runs in {home} already: use it (`kinebus status`), stop it, "
                "or set KINEBUS_HOME to another folder"
            ) from error
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                stack_path(home).unlink()


def _is_held(home: Path) -> bool:
    try:
        with (home / "stack.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
