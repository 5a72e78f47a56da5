"""Prepares one Kafka node on a data folder: jars, formatted storage, properties, command line."""

from __future__ import annotations

import base64
import fcntl
import logging
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.kafka.jars import fetch_jars, kafka_version
from deploy.kafka.java import Java, find_java
from deploy.kafka.properties import HOST, LogLimits, Ports, ports_of, render, server_properties
from deploy.ports import answers, free_port, is_free
from deploy.service import Service, running

_SILENT = logging.getLogger("kinebus.kafka.probe")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class BrokerError(RuntimeError):
    """The broker cannot be prepared; the message says what to do."""


@dataclass(frozen=True)
class BrokerSettings:
    """One embedded broker.

    Attributes:
        data: the folder of its log and settings; used again, it keeps its data and its port.
        port: where clients connect; 0 for the port used before on this folder, else a free one.
        advertised_port: the port that clients are told, where a proxy stands before the broker.
        heap_mb: Java's heap. The process takes some 100 to 200 MB more.
        limits: what may lie on disk.
        log: where its messages go; None for `broker.log` in the data folder.
    """

    data: Path
    port: int = 0
    advertised_port: int = 0
    heap_mb: int = 512
    limits: LogLimits = field(default_factory=LogLimits)
    log: Path | None = None


@dataclass(frozen=True)
class Broker:
    """A prepared broker: what to run, where it will answer, what it is."""

    service: Service
    bootstrap: str
    description: str


def prepare_broker(settings: BrokerSettings) -> Broker:
    """Make a data folder ready to start Kafka on; formats it the first time.

    Raises:
        JavaMissingError: no Java that is new enough.
        JarsMissingError: Kafka's jars are not there and cannot be fetched.
        BrokerError: a broker runs on this folder already, the given port is taken, or the storage
            cannot be formatted.
    """
    java = find_java()
    classpath = f"{fetch_jars()}/*"
    data = settings.data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    properties = data / "server.properties"
    _refuse_if_in_use(data, properties)
    ports = replace(_choose_ports(settings.port, properties), advertised=settings.advertised_port)
    properties.write_text(render(server_properties(data / "log", ports, settings.limits)))
    if not (data / "log" / "meta.properties").is_file():
        _format_storage(java, classpath, properties)
    bootstrap = f"{HOST}:{ports.broker}"
    return Broker(
        Service(
            name="kafka",
            command=_command(java, classpath, settings.heap_mb, _fresh_tmp(data), properties),
            log=settings.log or data / "broker.log",
            ready=lambda: broker_answers(bootstrap),
            stop_within_s=20.0,
        ),
        bootstrap,
        f"Apache Kafka {kafka_version()} from Maven Central, KRaft, {bootstrap}, Java {java.major}",
    )


@contextmanager
def running_broker(settings: BrokerSettings) -> Iterator[str]:
    """A broker that answers, for as long as the block lasts. Yields the bootstrap address."""
    broker = prepare_broker(settings)
    with running(broker.service):
        yield broker.bootstrap


def broker_answers(bootstrap: str, timeout_s: float = 2.0) -> bool:
    """Whether a broker tells its topics. Any bootstrap address, not only ours."""
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    # librdkafka backs off and complains on a closed port: first see that it is open.
    if host == HOST and not answers(int(port)):
        return False
    try:
        AdminClient({"bootstrap.servers": bootstrap}, logger=_SILENT).list_topics(timeout=timeout_s)
    except KafkaException:
        return False
    return True


def new_cluster_id() -> str:
    """A Kafka cluster id: 16 random bytes in URL-safe base64.

    One that begins with a hyphen is taken for an option by the storage tool.
    """
    while True:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not cluster_id.startswith("-"):
            return cluster_id


def _refuse_if_in_use(data: Path, properties: Path) -> None:
    """Kafka holds a lock on its data: what is below would pull the settings from under it."""
    lock = data / "log" / ".lock"
    if not lock.exists():
        return
    with lock.open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            ports = ports_of(properties.read_text())
            raise BrokerError(
                f"a broker runs on {data} already: stop it, use another folder, or use it "
                f"with KAFKA_BOOTSTRAP={HOST}:{ports.broker if ports else 'PORT'}"
            ) from error


def _choose_ports(wanted: int, properties: Path) -> Ports:
    before = ports_of(properties.read_text()) if properties.is_file() else None
    if wanted and not is_free(wanted):
        raise BrokerError(
            f"port {wanted} is taken on {HOST}: end what listens there, give another port, "
            f"or use that broker with KAFKA_BOOTSTRAP={HOST}:{wanted}"
        )
    broker = wanted or (before.broker if before and is_free(before.broker) else free_port())
    controller = before.controller if before and is_free(before.controller) else free_port()
    while controller == broker:
        controller = free_port()
    return Ports(broker, controller)


def _format_storage(java: Java, classpath: str, properties: Path) -> None:
    command = [java.program, "-cp", classpath, *_QUIET, "kafka.tools.StorageTool", "format"]
    run = subprocess.run(
        [*command, "-t", new_cluster_id(), "-c", str(properties)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if run.returncode != 0:
        raise BrokerError(
            f"Kafka's storage in {properties.parent} could not be formatted: check that the disk "
            f"has room and the folder can be written\n{(run.stdout + run.stderr)[-2000:]}"
        )


_QUIET = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",)


def _command(
    java: Java, classpath: str, heap_mb: int, tmp: Path, properties: Path
) -> tuple[str, ...]:
    return (
        java.program,
        f"-Xmx{heap_mb}m",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:+ExitOnOutOfMemoryError",
        f"-Djava.io.tmpdir={tmp}",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
        *_QUIET,
        "-cp",
        classpath,
        "kafka.Kafka",
        str(properties),
    )


def _fresh_tmp(data: Path) -> Path:
    """Where Java unpacks its compression libraries: a killed broker leaves them behind."""
    tmp = data / "tmp"
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir()
    return tmp
