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

import boto3
from confluent_kafka import Consumer, KafkaException, TopicPartition

from deploy.clickhouse.service import prepare_clickhouse
from deploy.create_topics import create_topics
from deploy.kafka.broker import BrokerSettings, prepare_broker
from deploy.ports import answers, free_port
from deploy.programs import WORKER, environment, program_service, programs
from deploy.service import Process, Service, spawn, stop
from deploy.supervisor import Stage, Supervisor
from producers.fleet.bench_vendors import write_bench_vendors
from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES, all_topics
from schemas.vendors import load_vendors
from tests.chaos.hooks import crash_points
from tests.chaos.proxy import Proxy
from tests.chaos.robots import loops_of, plan_robots
from tests.s3_server import s3_server

HOOKS = Path(crash_points.__file__).parent
GUESTS_FROM = 100
"""Workers that come and go have numbers from here on."""


@dataclass(frozen=True)
class Load:
    """What the robots do.

    `bench_vendors` of the makers that exist for measuring (blocks of 40 joints) instead of the
    packaged ones: many more frames for the same work. With `s3` the lake is a bucket behind the
    proxy, else a folder.
    """

    robots: int
    frames_per_second: float
    chunk_frames: int | None
    seed: int
    bench_vendors: int = 0
    s3: bool = True


@dataclass
class System:
    """A running system.

    Attributes:
        folder: everything of it.
        through: settings of its processes, every address that of the proxy.
        direct: settings of whoever looks at it, past the proxy where that is possible.
        ports: where processes answer once they have come up.
        store_env: what its processes need to reach the object store.
        kills: SIGKILLs that were sent, by process.
        ends: how supervised processes ended, each time.
    """

    folder: Path
    through: Settings
    direct: Settings
    vendors: tuple[str, ...]
    proxy: Proxy
    supervisor: Supervisor
    ports: dict[str, int] = field(default_factory=dict)
    store_env: dict[str, str] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    ends: list[tuple[str, str]] = field(default_factory=list)
    _guests: dict[int, tuple[Service, Process]] = field(default_factory=dict)
    _guest: int = GUESTS_FROM
    _looking: Consumer | None = None

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

    def answers(self, name: str) -> bool:
        """Whether a process has come up, as far as it can be seen from outside."""
        return name not in self.ports or answers(self.ports[name])

    def canonical_end(self) -> int | None:
        """How many records `canonical.frames` has; None while the broker does not say."""
        if self._looking is None:
            bootstrap = self.direct.require_kafka()
            quiet = {"bootstrap.servers": bootstrap, "group.id": "chaos", "log_level": 0}
            self._looking = Consumer(quiet)
        places = [TopicPartition(CANONICAL_FRAMES, p) for p in range(self.direct.partitions)]
        try:
            return sum(self._looking.get_watermark_offsets(p, timeout=0.5)[1] for p in places)
        except KafkaException:
            return None

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
            # One that was told to stop while Python starts has no handler for it yet; one that
            # finds no broker to take its leave of is killed when its time is up.
            if code not in (0, -signal.SIGTERM, -signal.SIGKILL):
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
        return replace(service, env={**service.env, **self.store_env, **hooks})


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
        lake, store_env = _object_store(folder, load, proxy, cleanup)
        direct = Settings(
            kafka_bootstrap=broker.bootstrap,
            clickhouse_url=clickhouse.url,
            lake_url=lake,
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
        ports = {"kafka": _port(broker.bootstrap), "clickhouse": _port(clickhouse.url)}
        system = System(folder, through, direct, names, proxy, supervisor, ports, store_env)
        for made in (system.armed, system.robots):
            made.mkdir(parents=True)
        _watch_ends(system)
        waits = [
            supervisor.add(system.hooked(clickhouse.service), Stage.STORE),
            supervisor.add(broker.service, Stage.LOG),
        ]
        for wait in waits:
            wait()
        create_topics(broker.bootstrap, all_topics(names, through.partitions))
        for program in programs(workers=2, sinks=True, dashboard=False):
            service = program_service(program, through, folder / "logs")
            ports[program.name] = int(service.env["KINEBUS_METRICS_PORT"])
            supervisor.add(system.hooked(service), program.stage)
        loops_of(
            plan_robots(
                load_vendors(profiles, bench),
                load.robots,
                load.seed,
                load.frames_per_second,
                load.chunk_frames,
            ),
            system.robots,
        )
        supervisor.add(system.hooked(_robots(system, load)), Stage.PRODUCER)
        yield system
        while system.guests:
            system.remove_worker()


def _object_store(
    folder: Path, load: Load, proxy: Proxy, cleanup: ExitStack
) -> tuple[str, dict[str, str]]:
    """The lake's URL, and the environment in which the system's processes find it.

    Whoever looks at the system runs in this process or is started by it, and goes past the proxy.
    """
    if not load.s3:
        lake = (folder / "home/lake").resolve()
        lake.mkdir(parents=True)
        return lake.as_uri(), {}
    server = cleanup.enter_context(s3_server(folder))
    port = free_port()
    proxy.add("s3", port, _port(server.endpoint))
    os.environ |= server.environment()
    boto3.client("s3").create_bucket(Bucket="lake")
    return "s3://lake", {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


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
