"""The local stack: chooses the parts, starts them in order, keeps them running, stops them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from deploy.choose import Choice, Choices, Origin, choose
from deploy.create_topics import create_topics
from deploy.parts import StackOptions, start_containers, start_embedded
from deploy.ports import free_port, port_near
from deploy.programs import program_service, programs
from deploy.registry import publish_schemas
from deploy.service import Service
from deploy.stack_file import ProcessRecord, StackRecord, hold_home, write_stack, write_targets
from deploy.stack_metrics import serving_metrics
from deploy.supervisor import ProcessState, Supervisor
from schemas.embodiment import load_embodiment
from schemas.settings import Settings
from schemas.topics import all_topics
from schemas.vendors import Vendors, load_vendors
from streams.retarget_plan import compile_target

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """A running stack. `settings` name every address: pass them to whatever works with it."""

    settings: Settings
    chosen: Mapping[str, str]
    vendors: Vendors
    started_at: float
    metrics_port: int
    services: tuple[Service, ...] = field(repr=False)
    supervisor: Supervisor = field(repr=False)

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self.settings.require_kafka()

    @property
    def clickhouse_url(self) -> str:
        """ClickHouse's HTTP address."""
        return self.settings.require_clickhouse()

    @property
    def lake_url(self) -> str:
        """The object store's URL."""
        return self.settings.require_lake()

    def processes(self) -> tuple[ProcessState, ...]:
        """The processes this stack runs, as they are now."""
        return self.supervisor.states()

    def pid(self, name: str) -> int | None:
        """The process id of one of them; None while it waits to be started again."""
        return next(state.pid for state in self.processes() if state.name == name)

    def record(self) -> StackRecord:
        """The stack as other processes read it."""
        services = {service.name: service for service in self.services}
        return StackRecord(
            pid=os.getpid(),
            started_at=self.started_at,
            metrics_port=self.metrics_port,
            bootstrap=self.bootstrap,
            clickhouse_url=self.clickhouse_url,
            lake_url=self.lake_url,
            schema_registry_url=self.settings.schema_registry_url,
            partitions=self.settings.partitions,
            vendors=self.vendors.names,
            chosen=dict(self.chosen),
            processes=tuple(_process_record(state, services) for state in self.processes()),
        )


@contextmanager
def running_stack(
    settings: Settings,
    *,
    workers: int = 1,
    sinks: bool = True,
    dashboard: bool = False,
    options: StackOptions | None = None,
    say: Say = lambda _: None,
) -> Iterator[Stack]:
    """A stack that runs for as long as the block lasts, and leaves no process behind.

    Broker and ClickHouse answer and all topics are there when the block begins; workers and sinks
    have been started and follow the log from where they were.

    Args:
        settings: addresses that are set are used, the others are filled with parts started here.
        workers: number of stream workers.
        sinks: whether to start the sinks.
        dashboard: whether to serve the dashboard, too.
        options: ports and sizes of embedded parts.
        say: takes a line for people: what was chosen, what ended, what is started again.

    Raises:
        NothingToChooseError, JavaMissingError, JarsMissingError, BrokerError, ServiceError,
        TopicError, HomeInUseError: a part could not be had; the message says what to do.
        EmbodimentError: KINEBUS_RETARGET names a robot that is not known, or has no geometry.
    """
    options = options or StackOptions()
    settings = settings.model_copy(update={"home": settings.home.resolve()})
    choices = choose(settings)
    vendors = load_vendors(settings.profiles_dir, [v for v in settings.vendors.split(",") if v])
    for name in settings.retarget_targets:
        compile_target(load_embodiment(name))
    with ExitStack() as cleanup:
        cleanup.enter_context(hold_home(settings.home))
        settings = start_containers(settings, choices, cleanup)
        supervisor = Supervisor(say)
        cleanup.callback(supervisor.stop)
        metrics_port = settings.metrics_port or free_port()
        cleanup.enter_context(serving_metrics(metrics_port, supervisor))
        settings, services = start_embedded(settings, choices, options, supervisor)
        settings = settings.model_copy(
            update={"dashboard_port": port_near(settings.dashboard_port)}
        )
        chosen = describe(choices, settings)
        if dashboard:
            chosen["dashboard"] = dashboard_url(settings)
        for part, words in chosen.items():
            say(f"{part}: {words}")
        retention = options.retention_bytes if choices.broker.origin is Origin.EMBEDDED else -1
        create_topics(
            settings.require_kafka(),
            all_topics(vendors.names, settings.partitions, retention, settings.retarget_targets),
        )
        if settings.schema_registry_url:
            publish_schemas(settings.schema_registry_url, vendors.registry.by_id.values())
        for program in programs(workers, sinks, dashboard, bool(settings.retarget_targets)):
            service = program_service(program, settings, settings.home / "logs")
            services.append(service)
            supervisor.add(service, program.stage)
        stack = Stack(
            settings, chosen, vendors, time.time(), metrics_port, tuple(services), supervisor
        )
        supervisor.when_changed(lambda: _write_record(stack))
        yield stack


def _write_record(stack: Stack) -> None:
    record = stack.record()
    write_stack(stack.settings.home, record)
    write_targets(stack.settings.home, record)


def describe(choices: Choices, settings: Settings) -> dict[str, str]:
    """What was chosen, in words, with the addresses it got."""
    return {
        "broker": _with_address(choices.broker, settings.require_kafka()),
        "clickhouse": _with_address(choices.clickhouse, settings.require_clickhouse()),
        "object store": choices.lake.description,
        "registry": choices.registry.description,
    }


def dashboard_url(settings: Settings) -> str:
    """Where the dashboard of these settings answers."""
    return f"http://{settings.dashboard_host}:{settings.dashboard_port}/"


def _with_address(choice: Choice, address: str) -> str:
    if choice.origin is Origin.GIVEN:
        return choice.description
    return f"{choice.description}, {address}"


def _process_record(state: ProcessState, services: dict[str, Service]) -> ProcessRecord:
    service = services[state.name]
    return ProcessRecord(
        name=state.name,
        pid=state.pid,
        restarts=state.restarts,
        last_exit=state.last_exit,
        started_at=state.started_at,
        metrics_port=int(service.env.get("KINEBUS_METRICS_PORT", "0")),
        log=str(service.log),
    )
