"""Which broker, ClickHouse, object store and registry to use, in the order everything follows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.containers import CLICKHOUSE_IMAGE, KAFKA_IMAGE, find_docker
from deploy.kafka.jars import JarsMissingError, jars_present, kafka_version
from deploy.kafka.java import JavaMissingError, find_java
from schemas.settings import Settings


class Origin(StrEnum):
    """Where a part of the stack comes from."""

    GIVEN = "given"
    EMBEDDED = "embedded"
    DOCKER = "docker"


@dataclass(frozen=True)
class Choice:
    """One part of the stack: where it comes from, in words, and its address if that is given."""

    origin: Origin
    description: str
    address: str = ""


@dataclass(frozen=True)
class Choices:
    """All parts of the stack."""

    broker: Choice
    clickhouse: Choice
    lake: Choice
    registry: Choice


class NothingToChooseError(RuntimeError):
    """No way to get a part of the stack on this machine; the message names the ways."""


def choose(settings: Settings) -> Choices:
    """What a stack with these settings is made of. Starts nothing.

    Raises:
        NothingToChooseError: there is no broker or ClickHouse to be had.
    """
    return Choices(
        broker=choose_broker(settings.kafka_bootstrap),
        clickhouse=choose_clickhouse(settings.clickhouse_url),
        lake=choose_lake(settings.lake_url, settings.home),
        registry=choose_registry(settings.schema_registry_url),
    )


def choose_broker(bootstrap: str | None) -> Choice:
    """KAFKA_BOOTSTRAP, else Kafka from Maven Central, else Kafka in a container."""
    if bootstrap:
        return Choice(Origin.GIVEN, f"KAFKA_BOOTSTRAP={bootstrap}", bootstrap)
    try:
        java = find_java()
        if not jars_present() and shutil.which("mvn") is None:
            raise JarsMissingError("Kafka's jars are not fetched yet and Maven is missing")
    except (JavaMissingError, JarsMissingError) as obstacle:
        docker = find_docker()
        if docker.answers:
            return Choice(Origin.DOCKER, f"{KAFKA_IMAGE} in a container")
        raise NothingToChooseError(
            f"no broker: {obstacle}; {docker.reason}. Run `make setup`, or set KAFKA_BOOTSTRAP"
        ) from obstacle
    return Choice(
        Origin.EMBEDDED,
        f"Apache Kafka {kafka_version()} from Maven Central, KRaft, Java {java.major}",
    )


def choose_clickhouse(url: str | None) -> Choice:
    """CLICKHOUSE_URL, else chdb in a process of its own, else ClickHouse in a container."""
    if url:
        return Choice(Origin.GIVEN, f"CLICKHOUSE_URL={without_password(url)}", url)
    # Not imported: 500 MB of shared library, which only its own process should carry.
    installed = _installed("chdb-core")
    if installed:
        return Choice(Origin.EMBEDDED, f"chdb {installed} behind ClickHouse's HTTP interface")
    docker = find_docker()
    if docker.answers:
        return Choice(Origin.DOCKER, f"{CLICKHOUSE_IMAGE} in a container")
    raise NothingToChooseError(
        f"no ClickHouse: chdb is not installed (pip install 'kinebus[local]'); {docker.reason}. "
        "Run `make setup`, or set CLICKHOUSE_URL"
    )


def choose_lake(url: str | None, home: Path) -> Choice:
    """KINEBUS_LAKE, else a folder in the home of the stack."""
    if url:
        return Choice(Origin.GIVEN, f"KINEBUS_LAKE={url}", url)
    folder = (home / "lake").resolve().as_uri()
    return Choice(Origin.EMBEDDED, f"folder {folder}", folder)


def choose_registry(url: str | None) -> Choice:
    """SCHEMA_REGISTRY_URL, else the packaged schemas."""
    if url:
        return Choice(Origin.GIVEN, f"SCHEMA_REGISTRY_URL={without_password(url)}", url)
    return Choice(Origin.EMBEDDED, "packaged schemas")


def without_password(url: str) -> str:
    """A URL that may be printed."""
    parts = urlsplit(url)
    credentials, at, host = parts.netloc.rpartition("@")
    user = credentials.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}"))


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
