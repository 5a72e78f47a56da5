"""The processes of a system besides broker and ClickHouse, as data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.ports import free_port
from deploy.service import Service
from deploy.supervisor import Stage
from schemas.settings import Settings


@dataclass(frozen=True)
class Program:
    """One Python program of ours: `python -m <module>`."""

    name: str
    module: str
    stage: Stage
    worker: int = 0


TICKER = Program("ticker", "deploy.ticker", Stage.PRODUCER)
WORKER = Program("worker", "streams.app", Stage.WORKER)
SINKS = (
    Program("sink-clickhouse", "sinks.clickhouse", Stage.SINK),
    Program("sink-lake", "sinks.lake", Stage.SINK),
    Program("sink-archive", "sinks.archive", Stage.SINK),
)
AUDIT = Program("audit", "deploy.audit", Stage.SINK)
RETARGET = Program("sink-retarget", "sinks.retargeted", Stage.SINK)
DASHBOARD = Program("dashboard", "sinks.dashboard", Stage.SINK)

# One process per core is the plan: no library may start a pool of threads of its own.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
# glibc gives each thread a heap of its own, and raises the size from which on a block goes back to
# the kernel: a process of days fills with holes. Two heaps; blocks from 1 MiB on always go back.
_TIGHT_HEAP = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(1024 * 1024)}


def programs(
    workers: int, sinks: bool, dashboard: bool, retarget: bool = False
) -> Iterator[Program]:
    """What runs in a system of so many stream workers."""
    yield TICKER
    for index in range(workers):
        yield replace(WORKER, name=f"worker-{index}", worker=index)
    if sinks:
        yield from SINKS
        yield AUDIT
    if retarget:
        yield RETARGET
    if dashboard:
        yield DASHBOARD


def program_service(program: Program, settings: Settings, logs: Path) -> Service:
    """A program as a process that finds everything in its environment."""
    env = {
        **environment(settings),
        **_ONE_THREAD,
        **_TIGHT_HEAP,
        "PYTHONUNBUFFERED": "1",
        "KINEBUS_WORKER": str(program.worker),
        "KINEBUS_METRICS_PORT": str(free_port()),
    }
    return Service(
        name=program.name,
        command=(sys.executable, "-m", program.module),
        log=logs / f"{program.name}.log",
        env=env,
    )


def environment(settings: Settings) -> dict[str, str]:
    """Settings as the environment variables they are read from."""
    return {
        str(field.alias): str(value)
        for name, field in Settings.model_fields.items()
        if (value := getattr(settings, name)) is not None
    }
