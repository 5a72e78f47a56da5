"""Verbs that run something: demo, up."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.out import Exit, fail, print_json, print_table, say, stderr, stdout
from deploy.cli.where import AsJson, Home, own_settings
from deploy.demo import Demonstration, demonstrate, replay_recordings, simulate_fleet
from deploy.demo_faults import Patient, show_faults
from deploy.parts import StackOptions
from deploy.stack import running_stack
from deploy.stack_file import read_stack
from deploy.up import run_until_stopped, sigterm_as_interrupt
from producers.fleet.made_vendors import write_robots
from schemas.defects import DEFECT
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
    faults: Annotated[
        bool, typer.Option("--faults", help="Robots with a defect each; what is found, live.")
    ] = False,
    defect: Annotated[
        list[str] | None,
        typer.Option(help="With --faults: only this defect (schemas/defects.toml); repeatable."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole pipeline on this machine and account for every frame."""
    if (recordings is not None) + bool(robot) + faults > 1:
        fail("--recordings, --robot and --faults are three demonstrations", Exit.USAGE)
    unknown = sorted(set(defect or ()) - set(DEFECT))
    if unknown or (defect and not faults):
        fail(f"--defect goes with --faults and is one of {', '.join(DEFECT)}", Exit.USAGE)
    patients: list[Patient] = []
    settings = own_settings(home)
    folder = _fresh((settings.home / "demo").resolve())
    settings = settings.model_copy(update={"home": folder})
    if recordings is not None:
        publish = replay_recordings(recordings, say)
    elif faults:
        publish = show_faults(seconds, say, patients, defect or ())
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
        shown = {"faults": [patient.document() for patient in patients]} if faults else {}
        print_json(result.document() | shown)
    else:
        if faults:
            _show_faults(patients)
        _show(result, folder)
    missed = [patient.robot for patient in patients if not patient.named]
    if missed:
        fail(f"not found: {', '.join(missed)}")
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


def _show_faults(patients: list[Patient]) -> None:
    rows = [
        (
            patient.robot,
            ", ".join(patient.struck[:2]) + (" and more" if len(patient.struck) > 2 else ""),
            patient.check if patient.named else "",
            patient.verdict,
            patient.reasons[0] if patient.reasons else "",
        )
        for patient in patients
    ]
    print_table("Defects", ("robot", "struck", "named by", "verdict", "first reason"), rows)


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
