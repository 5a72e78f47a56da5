"""Starts the parts of a stack that were chosen: broker, ClickHouse, the lake's folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.choose import Choices, Origin
from deploy.clickhouse.service import prepare_clickhouse
from deploy.containers import clickhouse_container, kafka_container
from deploy.kafka.broker import BrokerSettings, prepare_broker
from deploy.kafka.properties import LogLimits
from deploy.service import Service
from deploy.supervisor import Stage, Supervisor
from schemas.settings import Settings


@dataclass(frozen=True)
class StackOptions:
    """What a stack on this machine may be told besides its settings.

    Attributes:
        broker_port: port of an embedded broker; 0 for the one it had before, else a free one.
        clickhouse_port: port of an embedded ClickHouse; 0 for a free one.
        retention_bytes: what a raw or canonical partition may take on an embedded broker's disk.
        heap_mb: heap of an embedded broker.
    """

    broker_port: int = 0
    clickhouse_port: int = 0
    retention_bytes: int = 512 * 1024 * 1024
    heap_mb: int = 512


def start_containers(settings: Settings, choices: Choices, cleanup: ExitStack) -> Settings:
    """Start what was chosen as a container. Returns settings with every address known so far."""
    bootstrap = choices.broker.address or None
    if choices.broker.origin is Origin.DOCKER:
        bootstrap = cleanup.enter_context(kafka_container())
    clickhouse_url = choices.clickhouse.address or None
    if choices.clickhouse.origin is Origin.DOCKER:
        clickhouse_url = cleanup.enter_context(clickhouse_container())
    if choices.lake.origin is Origin.EMBEDDED:
        Path(unquote(urlsplit(choices.lake.address).path)).mkdir(parents=True, exist_ok=True)
    return settings.model_copy(
        update={
            "kafka_bootstrap": bootstrap,
            "clickhouse_url": clickhouse_url,
            "lake_url": choices.lake.address,
        }
    )


def start_embedded(
    settings: Settings, choices: Choices, options: StackOptions, supervisor: Supervisor
) -> tuple[Settings, list[Service]]:
    """Start the embedded broker and ClickHouse side by side, and wait until both answer.

    Returns:
        Settings with every address, and the services started.
    """
    logs = settings.home / "logs"
    services: list[Service] = []
    waits: list[Callable[[], None]] = []
    addresses: dict[str, str] = {}

    def start(service: Service, stage: Stage) -> None:
        services.append(service)
        waits.append(supervisor.add(service, stage))

    if choices.clickhouse.origin is Origin.EMBEDDED:
        clickhouse = prepare_clickhouse(
            settings.home / "clickhouse", options.clickhouse_port, logs / "clickhouse.log"
        )
        start(clickhouse.service, Stage.STORE)
        addresses["clickhouse_url"] = clickhouse.url
    if choices.broker.origin is Origin.EMBEDDED:
        broker = prepare_broker(
            BrokerSettings(
                settings.home / "kafka",
                port=options.broker_port,
                heap_mb=options.heap_mb,
                limits=LogLimits(retention_bytes=options.retention_bytes),
                log=logs / "kafka.log",
            )
        )
        start(broker.service, Stage.LOG)
        addresses["kafka_bootstrap"] = broker.bootstrap
    for wait in waits:
        wait()
    return settings.model_copy(update=addresses), services
