"""A real Prometheus, and promtool, for the tests of metrics, alerts and dashboards."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.cache import cache_dir
from deploy.ports import free_port
from deploy.service import Service, running

RULES = Path("deploy/prometheus").resolve()


def program(name: str) -> str:
    """`prometheus` or `promtool`: installed, or unpacked by `make setup`."""
    unpacked = cache_dir() / "prometheus/usr/bin" / name
    found = str(unpacked) if unpacked.is_file() else shutil.which(name)
    if not found:
        pytest.skip(f"no {name} here: make setup fetches it where there is apt-get")
    return found


class Prometheus:
    """One that scrapes."""

    def __init__(self, url: str) -> None:
        self._url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now; an error of Prometheus is one of the test."""
        asked = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/query?{asked}", timeout=10) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from None
        assert told["status"] == "success", told
        result: list[dict[str, Any]] = told["data"]["result"]
        return result

    def wait_for(self, expression: str, results: int, seconds: float = 30.0) -> None:
        """Until an expression gives so many results."""
        until = time.monotonic() + seconds
        while len(found := self.query(expression)) < results:
            assert time.monotonic() < until, f"{expression} gives {len(found)}, not {results}"
            time.sleep(0.5)


@contextmanager
def running_prometheus(folder: Path, targets: Path) -> Iterator[Prometheus]:
    """Prometheus with our rules, scraping what a file of targets names each second."""
    text = (RULES / "prometheus.yml").read_text()
    text = text.replace("../../.kinebus/prometheus-targets.json", str(targets))
    text = text.replace("rules.yml", str(RULES / "rules.yml")).replace(": 5s", ": 1s")
    folder.mkdir(parents=True)
    (folder / "prometheus.yml").write_text(text)
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    command = (
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    with running(Service("prometheus", command, folder / "prometheus.log", ready=answers)):
        yield Prometheus(url)
