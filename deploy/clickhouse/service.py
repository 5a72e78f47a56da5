"""Prepares the embedded ClickHouse as a process of the local stack."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.ports import free_port
from deploy.service import Service, running


@dataclass(frozen=True)
class ClickHouse:
    """A prepared ClickHouse: what to run, where it will answer, what it is."""

    service: Service
    url: str
    description: str


def prepare_clickhouse(path: Path, port: int = 0, log: Path | None = None) -> ClickHouse:
    """The embedded ClickHouse on a data folder; port 0 for a free one."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-m", "deploy.clickhouse", "--path", str(path), "--port", str(port))
    return ClickHouse(
        Service(
            name="clickhouse",
            command=command,
            log=log or path / "server.log",
            ready=lambda: clickhouse_answers(url),
            # It answers /metrics on the port of its interface.
            env={"KINEBUS_METRICS_PORT": str(port)},
            stop_within_s=15.0,
        ),
        url,
        f"chdb in a process of its own, {url}",
    )


@contextmanager
def running_clickhouse(path: Path, port: int = 0) -> Iterator[str]:
    """An embedded ClickHouse that answers, for as long as the block lasts. Yields its URL."""
    clickhouse = prepare_clickhouse(path, port)
    with running(clickhouse.service):
        yield clickhouse.url


def clickhouse_answers(url: str, timeout_s: float = 1.0) -> bool:
    """Whether a ClickHouse answers a ping at this URL. Any server, not only ours."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/ping", timeout=timeout_s) as response:
            return bool(response.status == 200)
    except OSError:
        return False
