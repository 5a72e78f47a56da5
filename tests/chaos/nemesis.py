"""Carries out a plan on a running system, and says what really happened."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.chaos.hooks import crash_points
from tests.chaos.plan import Churn, Crash, Kill, Pause, Step, Trouble
from tests.chaos.proxy import Mood
from tests.chaos.system import System

REACHED_WITHIN_S = 25.0
"""A point that nobody comes to in this time is given up; the process is killed where it is."""

FLOWS_WITHIN_S = 60.0
CHURN_S = 2.0
MAX_GUESTS = 3
_TURN_S = 0.02


@dataclass
class Done:
    """What was done.

    Attributes:
        random: kills at a random moment, by process.
        at_points: kills at a named point, by process and point.
        pauses: by process.
        trouble: by route and mood.
        workers_added: that came and went.
    """

    random: Counter[str] = field(default_factory=Counter)
    at_points: Counter[str] = field(default_factory=Counter)
    pauses: Counter[str] = field(default_factory=Counter)
    trouble: Counter[str] = field(default_factory=Counter)
    workers_added: int = 0

    @property
    def kills(self) -> int:
        """All of them."""
        return self.random.total() + self.at_points.total()


@dataclass
class _Armed:
    process: str
    pid: int
    point: str
    until: float
    stop_s: float | None


class Nemesis:
    """Does one step after the other; what lasts is ended in its time."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._armed: list[_Armed] = []
        self._churn_until = self._churn_at = 0.0
        self._canonical = 0
        self.done = Done()

    def run(self, steps: Iterable[Step], until: float | None = None) -> None:
        """All steps (or those that come before a time of the monotonic clock), then calm."""
        for step in steps:
            due = time.monotonic() + step.after_s
            while time.monotonic() < due:
                self._turn()
            if until is not None and time.monotonic() >= until:
                break
            self._do(step)
        while self._later or self._armed:
            self._turn()
        while self._system.guests:
            self._system.remove_worker()
        self._system.proxy.calm()

    def _do(self, step: Step) -> None:
        act = step.act
        match act:
            case Kill(process, early):
                if not early:
                    self._await_flow(process)
                self._kill(process)
            case Crash(process, point):
                self._await_flow(process)
                self._arm(process, point, signal.SIGKILL, None)
            case Pause(process, seconds, None):
                pid = self._pid(process)
                self._signal(pid, signal.SIGSTOP)
                self._resume_later(process, pid, seconds)
            case Pause(process, seconds, str(point)):
                self._arm(process, point, signal.SIGSTOP, seconds)
            case Trouble(route, mood, seconds):
                self._system.proxy.set(route, mood)
                self.done.trouble[f"{route} {mood}"] += 1
                if mood is not Mood.RESET:
                    self._at(seconds, lambda: self._system.proxy.set(route, Mood.CALM))
            case Churn(seconds):
                self._churn_until = time.monotonic() + seconds
        _say(f"{act}")

    def _turn(self) -> None:
        time.sleep(_TURN_S)
        now = time.monotonic()
        due = [action for at, action in self._later if at <= now]
        self._later = [(at, action) for at, action in self._later if at > now]
        for action in due:
            action()
        for armed in self._armed.copy():
            self._look_at(armed, now)
        if now < self._churn_until and now >= self._churn_at:
            self._churn_at = now + CHURN_S
            self._change_workers()

    def _change_workers(self) -> None:
        if self._system.guests >= MAX_GUESTS:
            self._system.remove_worker()
        else:
            self._system.add_worker()
            self.done.workers_added += 1

    def _look_at(self, armed: _Armed, now: float) -> None:
        """Whether an armed process has come to its point, is gone, or takes too long."""
        file = self._system.armed / str(armed.pid)
        if not file.exists():
            self._armed.remove(armed)
            if armed.stop_s is None:
                self._system.kills[armed.process] += 1
                self.done.at_points[f"{armed.process} {armed.point}"] += 1
            else:
                self._resume_later(armed.process, armed.pid, armed.stop_s)
            return
        gone = self._system.pids().get(armed.process) != armed.pid
        if (gone or now > armed.until) and crash_points.disarm(self._system.armed, armed.pid):
            self._armed.remove(armed)
            if armed.stop_s is None:
                _say(f"{armed.process} did not come to {armed.point}")
                self._kill(armed.process)

    def _arm(self, process: str, point: str, signum: int, stop_s: float | None) -> None:
        pid = self._pid(process)
        if any(armed.pid == pid for armed in self._armed):
            # It has a point to come to already.
            if stop_s is None:
                self._kill(process)
            return
        crash_points.arm(self._system.armed, pid, point, signum)
        until = time.monotonic() + REACHED_WITHIN_S
        self._armed.append(_Armed(process, pid, point, until, stop_s))

    def _await_flow(self, process: str) -> None:
        """Kills of what has not come up, or has nothing to do, would try nothing but starting."""
        until = time.monotonic() + FLOWS_WITHIN_S
        while not (self._system.answers(process) and self._flows()) and time.monotonic() < until:
            for _ in range(10):
                self._turn()

    def _flows(self) -> bool:
        """Whether frames have become canonical since it last was so."""
        end = self._system.canonical_end()
        if end is None or end <= self._canonical:
            return False
        self._canonical = end
        return True

    def _kill(self, process: str) -> None:
        self._system.kill(process, self._pid(process))
        self.done.random[process] += 1

    def _resume_later(self, process: str, pid: int, seconds: float) -> None:
        self.done.pauses[process] += 1
        self._at(seconds, lambda: self._signal(pid, signal.SIGCONT))

    def _at(self, seconds: float, action: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, action))

    def _pid(self, process: str) -> int:
        """Its pid; waits for one that is about to be started again."""
        while (pid := self._system.pids().get(process)) is None:
            time.sleep(_TURN_S)
        return pid

    @staticmethod
    def _signal(pid: int, signum: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signum)


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
