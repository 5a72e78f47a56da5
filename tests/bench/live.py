"""How soon a verdict is there, and what the live dashboard costs, with many robots at work.

    python -m tests.bench.live --robots 200 --seconds 60 --json

Runs a stack of its own with a simulated fleet at its robots' own rates, opens the fleet wall in
Chromium, and measures behind a warm-up: from an episode's end in the log to its verdict; the
dashboard's share of a core and its memory; updates a second in the page; how soon it is usable.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from playwright.sync_api import Page, sync_playwright

from deploy.delays import percentiles
from deploy.programs import environment
from deploy.settle import wait_until_following
from deploy.stack import Stack, running_stack
from schemas.events import EventKind, decode_event
from schemas.settings import Settings
from schemas.topics import EPISODES
from sinks.spans import SpanReader
from tests.dashboard_rig import CHROMIUM

WARM_UP_S = 25.0
SAMPLE_S = 5.0


def main(
    robots: Annotated[int, typer.Option(min=1)] = 100,
    seconds: Annotated[float, typer.Option(min=10, help="Behind 25 s of warm-up.")] = 60.0,
    page: Annotated[bool, typer.Option(help="Open the wall in Chromium.")] = True,
) -> None:
    """Measure, and print one JSON document."""
    with tempfile.TemporaryDirectory(prefix="kinebus-live-") as folder:
        settings = Settings().model_copy(update={"home": Path(folder)})
        with running_stack(settings, dashboard=True) as stack:
            wait_until_following(stack.settings, stack.vendors.names, 90.0)
            with _fleet(stack, robots, seconds + WARM_UP_S + 20.0):
                time.sleep(WARM_UP_S)
                since_s = time.time()
                result = _measured(stack, robots, seconds, page)
                until_s = time.time()
            result["verdict_ms"] = _verdict_delays(stack, since_s * 1_000, until_s * 1_000)
    typer.echo(json.dumps(result, indent=2))


def _measured(stack: Stack, robots: int, seconds: float, with_page: bool) -> dict[str, Any]:
    pid = stack.pid("dashboard")
    assert pid is not None
    process = psutil.Process(pid)
    result: dict[str, Any] = {"robots": robots, "seconds": seconds, "cpus": os.cpu_count()}
    with _wall(stack.chosen["dashboard"], robots, with_page) as (page, interactive_ms):
        result["interactive_ms"] = interactive_ms
        used, began = sum(process.cpu_times()[:2]), time.monotonic()
        rates, memory = [], []
        while time.monotonic() - began < seconds:
            time.sleep(SAMPLE_S)
            memory.append(round(process.memory_info().rss / 2**20, 1))
            if page is not None:
                rates.append(float(page.evaluate("document.body.dataset.hz")))
        share = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - began)
    result |= {
        "dashboard_cores": round(share, 3),
        "updates_per_second": {"least": min(rates, default=None), "all": rates},
        "memory_mib": {"first": memory[0], "last": memory[-1], "most": max(memory)},
    }  # fmt: skip
    return result


@contextmanager
def _wall(url: str, robots: int, wanted: bool) -> Iterator[tuple[Page | None, float | None]]:
    """The wall with a tile for every robot, and how long that took from the first byte asked."""
    if not wanted or CHROMIUM is None:
        yield None, None
        return
    flags = ["--no-sandbox", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(url, wait_until="commit")
        page.locator(".tile").nth(robots - 1).wait_for()
        interactive_ms = round(float(page.evaluate("performance.now()")))
        time.sleep(SAMPLE_S)
        yield page, interactive_ms
        browser.close()


@contextmanager
def _fleet(stack: Stack, robots: int, seconds: float) -> Iterator[None]:
    command = [sys.executable, "-m", "producers.fleet", "--robots", str(robots)]
    env = {**os.environ, **environment(stack.settings)}
    with subprocess.Popen(
        [*command, "--seconds", str(seconds)], env=env, stdout=subprocess.DEVNULL
    ) as fleet:
        yield
        with suppress(subprocess.TimeoutExpired):
            fleet.wait(5.0)
        fleet.terminate()


def _verdict_delays(stack: Stack, since_ms: float, until_ms: float) -> dict[str, float]:
    """From an end mark's append to its verdict's, ms, of the marks of a time."""
    reader = SpanReader(stack.bootstrap)
    places = [place for place in reader.places() if place.topic == EPISODES]
    delays = []
    for record in reader.read(reader.watermarks(places)):
        event = decode_event(record.value or b"")
        if event.kind is EventKind.VERDICT and since_ms <= event.log_ms < until_ms:
            delays.append(float(record.timestamp_ms - event.log_ms))
    return {**percentiles(delays), "most": max(delays), "verdicts": len(delays)}


if __name__ == "__main__":
    typer.run(main)
