"""The live status of a stack: one row a process."""

from __future__ import annotations

import time
from typing import NoReturn

import psutil
from rich.console import Console
from rich.live import Live
from rich.table import Table

from deploy.stack import Stack
from deploy.supervisor import ProcessState

_REFRESH_S = 1.0
_MIB = 1024 * 1024


class ProcessMeter:
    """CPU and memory of processes; keeps what it saw last, for CPU use is a difference."""

    def __init__(self) -> None:
        self._seen: dict[int, psutil.Process] = {}

    def read(self, pid: int) -> tuple[float, float] | None:
        """CPU use in cores since the last call, and resident memory in MiB; None if it is gone."""
        try:
            process = self._seen.setdefault(pid, psutil.Process(pid))
            return process.cpu_percent() / 100.0, process.memory_info().rss / _MIB
        except psutil.Error:
            self._seen.pop(pid, None)
            return None


def status_table(states: tuple[ProcessState, ...], meter: ProcessMeter) -> Table:
    """All processes as they are now."""
    table = Table("process", "pid", "state", "up", "CPU cores", "MiB", "restarts", "last exit")
    for state in states:
        reading = meter.read(state.pid) if state.pid is not None else None
        cores, mib = (f"{reading[0]:.2f}", f"{reading[1]:.0f}") if reading else ("", "")
        table.add_row(
            state.name,
            str(state.pid or ""),
            "[green]running" if reading else "[yellow]starting again",
            _duration(time.time() - state.started_at) if reading else "",
            cores,
            mib,
            str(state.restarts or ""),
            state.last_exit,
        )
    return table


def show_for_ever(stack: Stack, console: Console) -> NoReturn:
    """Show a stack until interrupted: live on a terminal, else by the lines of its events alone."""
    meter = ProcessMeter()
    while not console.is_terminal:
        time.sleep(_REFRESH_S)
    with Live(status_table(stack.processes(), meter), console=console, transient=True) as live:
        while True:
            time.sleep(_REFRESH_S)
            live.update(status_table(stack.processes(), meter))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
