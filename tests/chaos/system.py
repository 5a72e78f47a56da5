"""A whole system under chaos: all processes on a supervisor, all they say through a proxy."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.clickhouse.service import prepare_clickhouse
from deploy.create_topics import create_topics
from deploy.kafka.broker import BrokerSettings, prepare_broker
from deploy.ports import free_port
from deploy.programs import WORKER, environment, program_service, programs
from deploy.service import Process, Service, spawn, stop
from deploy.supervisor import Stage, Supervisor
from producers.fleet.bench_vendors import write_bench_vendors
from schemas.settings import Settings
from schemas.topics import all_topics
from schemas.vendors import load_vendors
from tests.chaos.hooks import crash_points
from tests.chaos.proxy import Proxy

HOOKS = Path(crash_points.__file__).parent
GUESTS_FROM = 100
"""Workers that come and go have numbers from here on."""


@dataclass(frozen=True)
class Load:
    """What the robots do.

    `bench_vendors` of the makers that exist for measuring (blocks of 40 joints) instead of the
    packaged ones: many more frames for the same work.
    """

    robots: int
    frames_per_second: float
    chunk_frames: int | None
    seed: int
    bench_vendors: int = 0


@dataclass
class System:
    """A running system.

    Attributes:
        folder: everything of it.
        through: settings of its processes, every address that of the proxy.
        direct: settings of whoever looks at it, past the proxy where that is possible.
        kills: SIGKILLs that were sent, by process.
    """

    folder: Path
    through: Settings
    direct: Settings
    vendors: tuple[str, ...]
    proxy: Proxy
    supervisor: Supervisor
    kills: Counter[str] = field(default_factory=Counter)
    ends: list[tuple[str, str]] = field(default_factory=list)
    _guests: dict[int, tuple[Service, Process]] = field(default_factory=dict)
    _guest: int = GUESTS_FROM

    @property
    def armed(self) -> Path:
        """Where processes look for the crash point that is meant for them."""
        return self.folder / "armed"

    @property
    def robots(self) -> Path:
        """The robots' spools and journals."""
        return self.folder / "robots"

    def pids(self) -> dict[str, int]:
        """The supervised processes that are there now."""
        return {s.name: s.pid for s in self.supervisor.states() if s.pid is not None}

    def kill(self, name: str, pid: int) -> None:
        """SIGKILL."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.kills[name] += 1

    def add_worker(self) -> None:
        """One more stream worker, outside the supervisor."""
        service = self.hooked(
            program_service(
                replace(WORKER, name=f"worker-{self._guest}", worker=self._guest),
                self.through,
                self.folder / "logs",
            )
        )
        self._guests[self._guest] = (service, spawn(service))
        self._guest += 1

    def remove_worker(self) -> None:
        """Tell the oldest of them to stop, and wait for it."""
        if self._guests:
            service, process = self._guests.pop(min(self._guests))
            code = stop(service, process)
            # One that was told to stop while Python starts has no handler for it yet.
            if code not in (0, -signal.SIGTERM):
                self.ends.append((service.name, f"exit {code}"))

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All processes but broker and ClickHouse stand still: nothing moves while one looks."""
        still = [pid for name, pid in self.pids().items() if name not in ("kafka", "clickhouse")]
        for pid in still:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in still:
                os.kill(pid, signal.SIGCONT)

    @property
    def guests(self) -> int:
        """How many there are now."""
        return len(self._guests)

    def hooked(self, service: Service) -> Service:
        """A service whose Python looks for crash points."""
        hooks = {"PYTHONPATH": str(HOOKS), crash_points.FOLDER: str(self.armed)}
        return replace(service, env={**service.env, **hooks})


@contextmanager
def running_system(folder: Path, load: Load) -> Iterator[System]:
    """Broker, ClickHouse, ticker, two workers, all sinks and robots, until the block ends."""
    home = folder / "home"
    profiles, bench = None, []
    if load.bench_vendors:
        profiles = folder / "profiles"
        bench = write_bench_vendors(profiles, load.bench_vendors)
    names = load_vendors(profiles, bench).names
    with ExitStack() as cleanup:
        proxy = Proxy()
        cleanup.callback(proxy.close)
        supervisor = Supervisor(lambda line: print(f"  {line.split(';')[0]}", file=sys.stderr))
        cleanup.callback(supervisor.stop)
        broker_port, clickhouse_port = free_port(), free_port()
        broker = prepare_broker(
            BrokerSettings(
                home / "kafka", advertised_port=broker_port, log=folder / "logs/kafka.log"
            )
        )
        clickhouse = prepare_clickhouse(home / "clickhouse", log=folder / "logs/clickhouse.log")
        proxy.add("kafka", broker_port, _port(broker.bootstrap))
        proxy.add("clickhouse", clickhouse_port, _port(clickhouse.url))
        direct = Settings(
            kafka_bootstrap=broker.bootstrap,
            clickhouse_url=clickhouse.url,
            lake_url=(home / "lake").resolve().as_uri(),
            home=home,
            profiles_dir=profiles,
            vendors=",".join(bench),
        )
        through = direct.model_copy(
            update={
                "kafka_bootstrap": f"127.0.0.1:{broker_port}",
                "clickhouse_url": f"http://127.0.0.1:{clickhouse_port}",
            }
        )
        system = System(folder, through, direct, names, proxy, supervisor)
        for made in (system.armed, system.robots, home / "lake"):
            made.mkdir(parents=True)
        _watch_ends(system)
        waits = [
            supervisor.add(system.hooked(clickhouse.service), Stage.STORE),
            supervisor.add(broker.service, Stage.LOG),
        ]
        for wait in waits:
            wait()
        create_topics(broker.bootstrap, all_topics(names, through.partitions))
        for program in programs(workers=2, sinks=True):
            service = program_service(program, through, folder / "logs")
            supervisor.add(system.hooked(service), program.stage)
        supervisor.add(system.hooked(_robots(system, load)), Stage.PRODUCER)
        yield system
        while system.guests:
            system.remove_worker()


def _watch_ends(system: System) -> None:
    """Note how every supervised process ended, each time."""
    seen: Counter[str] = Counter()
    lock = threading.Lock()

    def look() -> None:
        with lock:
            for state in system.supervisor.states():
                if state.restarts > seen[state.name]:
                    seen[state.name] = state.restarts
                    system.ends.append((state.name, state.last_exit))

    system.supervisor.when_changed(look)


def _robots(system: System, load: Load) -> Service:
    command = [
        sys.executable, "-m", "tests.chaos.robots", str(system.robots),
        "--robots", str(load.robots),
        "--frames-per-second", str(load.frames_per_second),
        "--seed", str(load.seed),
        *([] if load.chunk_frames is None else ["--chunk-frames", str(load.chunk_frames)]),
    ]  # fmt: skip
    env = {**environment(system.through), "PYTHONUNBUFFERED": "1"}
    return Service("robots", tuple(command), system.folder / "logs/robots.log", env)


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])
