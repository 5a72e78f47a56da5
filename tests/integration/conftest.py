"""One broker, one ClickHouse and one S3 for the whole session, twice where Docker answers."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.choose import Origin, choose_broker, choose_clickhouse
from deploy.clickhouse.service import running_clickhouse
from deploy.containers import (
    S3,
    clickhouse_container,
    find_docker,
    kafka_container,
    s3_container,
)
from deploy.kafka.broker import BrokerSettings, running_broker
from deploy.kafka.properties import LogLimits
from tests.s3_server import s3_server

# The usual choice, then the same tests again in containers.
_RUNS = [
    "usual",
    *([pytest.param("docker", marks=pytest.mark.docker)] if find_docker().answers else []),
]


@pytest.fixture(scope="session", params=_RUNS)
def run(request: pytest.FixtureRequest) -> str:
    """Which run this is: all parts of it come from the same place."""
    return str(request.param)


@pytest.fixture(scope="session")
def kafka(run: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of a real Kafka. Tests share it: name topics uniquely."""
    choice = choose_broker(os.environ.get("KAFKA_BOOTSTRAP"))
    if choice.origin is Origin.GIVEN and run == "usual":
        yield choice.address
    elif choice.origin is Origin.EMBEDDED and run == "usual":
        limits = LogLimits(retention_bytes=256 << 20, segment_bytes=16 << 20)
        data = tmp_path_factory.mktemp("kafka")
        with running_broker(BrokerSettings(data, limits=limits)) as bootstrap:
            yield bootstrap
    else:
        with kafka_container() as bootstrap:
            yield bootstrap


@pytest.fixture(scope="session")
def clickhouse(run: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The HTTP URL of a ClickHouse. Tests share it: use a database of one's own."""
    choice = choose_clickhouse(os.environ.get("CLICKHOUSE_URL"))
    if choice.origin is Origin.GIVEN and run == "usual":
        yield choice.address
    elif choice.origin is Origin.EMBEDDED and run == "usual":
        with running_clickhouse(tmp_path_factory.mktemp("clickhouse")) as url:
            yield url
    else:
        with clickhouse_container() as url:
            yield url


@pytest.fixture(scope="session")
def s3(run: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 endpoint that honours conditional puts. Tests share it: make a bucket of one's own."""
    if run == "docker":
        with s3_container() as server:
            yield server
    else:
        with s3_server(tmp_path_factory.mktemp("s3")) as server:
            yield server
