"""Kafka, ClickHouse and S3 in Docker containers, where a Docker engine answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec

KAFKA_IMAGE = "confluentinc/cp-kafka:7.9.0"
CLICKHOUSE_IMAGE = "clickhouse/clickhouse-server:25.8"
S3_IMAGE = "minio/minio:RELEASE.2025-04-22T22-12-26Z"


@dataclass(frozen=True)
class Docker:
    """Whether containers can be run, and why not."""

    answers: bool
    reason: str


@dataclass(frozen=True)
class S3:
    """An S3 endpoint and the keys to it."""

    endpoint: str
    access_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        """The variables by which clients of S3 find it."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@cache
def find_docker() -> Docker:
    """Ask the Docker engine, once in a process."""
    if find_spec("docker") is None or find_spec("testcontainers") is None:
        return Docker(False, "the Python package testcontainers is not installed")
    # Not an import statement: the package carries no types.
    docker = import_module("docker")
    try:
        docker.from_env(timeout=5).ping()
    except (docker.errors.DockerException, OSError):
        return Docker(False, "no Docker engine answers")
    return Docker(True, "a Docker engine answers")


@contextmanager
def kafka_container() -> Iterator[str]:
    """Kafka in a container. Yields the bootstrap address."""
    from testcontainers.community.kafka import KafkaContainer

    with KafkaContainer(KAFKA_IMAGE).with_kraft() as kafka:
        yield kafka.get_bootstrap_server()


@contextmanager
def clickhouse_container() -> Iterator[str]:
    """ClickHouse in a container. Yields its HTTP URL."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    container = (
        DockerContainer(CLICKHOUSE_IMAGE)
        .with_env("CLICKHOUSE_SKIP_USER_SETUP", "1")
        .with_exposed_ports(8123)
        .waiting_for(HttpWaitStrategy(8123, "/ping"))
    )
    with container as clickhouse:
        yield f"http://{clickhouse.get_container_host_ip()}:{clickhouse.get_exposed_port(8123)}"


@contextmanager
def s3_container() -> Iterator[S3]:
    """An S3 server in a container, which honours conditional puts."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    keys = ("kinebus", "kinebus-secret")
    container = (
        DockerContainer(S3_IMAGE)
        .with_env("MINIO_ROOT_USER", keys[0])
        .with_env("MINIO_ROOT_PASSWORD", keys[1])
        .with_command("server /data")
        .with_exposed_ports(9000)
        .waiting_for(HttpWaitStrategy(9000, "/minio/health/live"))
    )
    with container as server:
        endpoint = f"http://{server.get_container_host_ip()}:{server.get_exposed_port(9000)}"
        yield S3(endpoint, *keys)
