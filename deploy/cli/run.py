"""Verbs that run something: demo, up."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.out import Exit, fail, print_json, print_table, say, stderr, stdout
from deploy.cli.where import AsJson, Home, own_settings
from deploy.demo import Demonstration, demonstrate, replay_recordings, simulate_fleet
from deploy.parts import StackOptions
from deploy.stack import running_stack
from deploy.stack_file import read_stack
from deploy.up import run_until_stopped, sigterm_as_interrupt
from producers.fleet.made_vendors import write_robots
from schemas.embodiment import EmbodimentError


def demo(
    recordings: Annotated[
        Path | None,
        typer.Option(help="A folder of recordings with its INDEX.csv; default: a simulated fleet."),
    ] = None,
    robots: Annotated[int, typer.Option(min=1, help="Robots of the simulated fleet.")] = 12,
    seconds: Annotated[float, typer.Option(min=1, help="How long the fleet works.")] = 45.0,
    robot: Annotated[
        list[str] | None,
        typer.Option(help="Simulate this shipped robot instead (docs/robots.md); repeatable."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole pipeline on this machine and account for every frame."""
    if recordings is not None and robot:
        fail("--robot is of the simulated fleet, --recordings are no simulation", Exit.USAGE)
    settings = own_settings(home)
    folder = _fresh((settings.home / "demo").resolve())
    settings = settings.model_copy(update={"home": folder})
    if recordings is not None:
        publish = replay_recordings(recordings, say)
    elif robot:
        profiles = folder / "profiles"
        try:
            made = write_robots(profiles, robot)
        except EmbodimentError as error:
            fail(str(error), Exit.USAGE)
        settings = settings.model_copy(update={"profiles_dir": profiles})
        publish = simulate_fleet(robots, seconds, say, only=made)
    else:
        publish = simulate_fleet(robots, seconds, say)
    with sigterm_as_interrupt(), running_stack(settings, dashboard=True, say=say) as stack:
        result = demonstrate(stack, publish, say)
    if as_json:
        print_json(result.document())
    else:
        _show(result, folder)
    if result.problems:
        fail("; ".join(result.problems))


def up(
    workers: Annotated[int, typer.Option(min=1, help="Stream workers, one a core.")] = 1,
    sinks: Annotated[bool, typer.Option(help="Run the sinks, too.")] = True,
    broker_port: Annotated[int, typer.Option(help="Default: the one it had, else a free one.")] = 0,
    clickhouse_port: Annotated[int, typer.Option(help="Default: a free one.")] = 0,
    home: Home = None,
) -> None:
    """Run the stack in the foreground; Ctrl-C stops all of it."""
    options = StackOptions(broker_port=broker_port, clickhouse_port=clickhouse_port)
    try:
        run_until_stopped(
            own_settings(home), workers=workers, sinks=sinks, options=options, console=stderr
        )
    except EmbodimentError as error:
        fail(f"KINEBUS_RETARGET: {error}", Exit.USAGE)


def _fresh(folder: Path) -> Path:
    """An empty folder for a demonstration; the one before it is removed."""
    if read_stack(folder) is not None:
        fail(f"a demo runs in {folder} already: stop it, or give another --home", Exit.USAGE)
    if folder.exists():
        shutil.rmtree(folder)
    return folder


def _show(result: Demonstration, folder: Path) -> None:
    document = result.document()
    rows = [
        (
            name,
            *(got[key] for key in ("read", "published", "canonical")),
            sum(got["rejected"].values()),
            *(got[key] for key in ("clickhouse", "object_storage", "episodes")),
            got["delay_ms"]["p50"],
            got["delay_ms"]["p99"],
        )
        for name, got in document["vendors"].items()
    ]
    columns = (
        "maker", "read", "published", "canonical", "rejected", "ClickHouse", "object storage",
        "episodes", "delay p50 ms", "p99 ms",
    )  # fmt: skip
    print_table("What arrived where, in frames", columns, rows)
    stdout.print(
        "audit: "
        + ("every record is where it belongs, once" if result.audit.ok else "[red]problems")
    )
    stdout.print(
        f"\nNothing runs any more. The data stays in {folder}:\n"
        f"  kinebus up --home {folder}               run on it again\n"
        f"  kinebus episodes list --home {folder}    then, in another terminal\n"
        f"  {folder / 'lake'}    Parquet: episodes/ and raw/\n"
        "Robots of your own: docs/publish.md, docs/new-vendor.md"
    )
