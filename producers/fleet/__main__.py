"""`python -m producers.fleet`: a simulated fleet on a Kafka that is there."""

from __future__ import annotations

import signal
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from producers.fleet.plan import plan_fleet
from producers.fleet.run import run_fleet
from schemas.settings import Settings
from schemas.vendors import load_vendors


def main(
    robots: Annotated[int, typer.Option(min=1, help="How many robots, spread over vendors.")] = 6,
    seconds: Annotated[float | None, typer.Option(help="Default: until Ctrl-C.")] = None,
    vendor: Annotated[list[str] | None, typer.Option(help="Only these makers.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed moves the same way.")] = 0,
    rate_scale: Annotated[float, typer.Option(help="Factor on nominal rates.")] = 1.0,
    frames_per_second: Annotated[float | None, typer.Option(help="Of the whole fleet.")] = None,
    chunk_frames: Annotated[int | None, typer.Option(min=1, max=64)] = None,
    spool: Annotated[Path | None, typer.Option(help="Folder for the robots' spools.")] = None,
) -> None:
    """Publish simulated robots; KAFKA_BOOTSTRAP names the broker, counts go to stdout as JSON."""
    settings = Settings()
    vendors = load_vendors(settings.profiles_dir, vendor or ())
    plan = plan_fleet(
        list(vendors.by_profile.values()),
        robots,
        seconds=seconds,
        seed=seed,
        rate_scale=rate_scale,
        frames_per_second=frames_per_second,
        chunk_frames=chunk_frames,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    typer.echo(f"{robots} robots, {plan.frames_per_second:,.0f} frames/s", err=True)
    counts = run_fleet(plan, settings.require_kafka(), stop, spool=spool)
    typer.echo(orjson.dumps(asdict(counts), option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    typer.run(main)
