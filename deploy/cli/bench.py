"""The verbs that measure: `kinebus bench …`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from deploy.bench.body import bench_body
from deploy.bench.body_speed import Case
from deploy.bench.growth import VALUES, Axis, bench_growth
from deploy.bench.parts import CHUNKS, bench_parts
from deploy.bench.peers import PeerError
from deploy.bench.pipeline import Load, NoRoomError, bench_pipeline
from deploy.bench.plot import plot_growth
from deploy.bench.quality import bench_quality, robots_with_all_signals
from deploy.bench.rest import FULL_FRAME_BYTES, bench_rest
from deploy.bench.step import StepLoad, bench_step
from deploy.bench.truth import Truth
from deploy.cli.out import Exit, fail, print_json, print_table, say
from deploy.cli.where import AsJson
from schemas.defects import DEFECTS
from schemas.embodiment import EmbodimentError

bench = typer.Typer(help="Benchmarks; every figure with its conditions.", no_args_is_help=True)


@bench.command()
def pipeline(
    frames_per_second: Annotated[float, typer.Option(min=1)] = 25_000.0,
    seconds: Annotated[float, typer.Option(min=5, help="Measured, behind the warm-up.")] = 60.0,
    warm_up: Annotated[float, typer.Option(min=5, help="Seconds before.")] = Load.warm_up_s,
    robots: Annotated[int, typer.Option(min=1)] = 48,
    chunk_frames: Annotated[int, typer.Option(min=1, max=64)] = 50,
    workers: Annotated[int, typer.Option(min=1)] = 1,
    as_json: AsJson = False,
) -> None:
    """All stages at a set rate, on a stack of its own: 12 vendors' 40-joint robots."""
    try:
        result = bench_pipeline(
            Load(frames_per_second, seconds, robots, chunk_frames, workers, warm_up), say
        )
    except NoRoomError as error:
        fail(str(error), Exit.FAILURE)
    if as_json:
        print_json(result)
        return
    print_table(
        f"{result['frames_per_second']:,} frames/s, delay p50 {result['delay_ms']['p50']} ms, "
        f"p99 {result['delay_ms']['p99']} ms, drained in {result['drain_s']} s",
        ("process", "cores", "CPU s per million frames", "MiB"),
        [(name, *used.values()) for name, used in result["processes"].items()],
    )
    for name in ("rest_s", "cores", "cpu_s_per_million_frames", "bytes_per_frame", "audit"):
        say(f"{name}: {result[name]}")
    for name, value in result["conditions"].items():
        say(f"{name}: {value}")


@bench.command()
def growth(
    axis: Annotated[Axis, typer.Argument(help="What is varied.")],
    value: Annotated[
        list[int] | None, typer.Option(help="A point of the axis; may be given many times.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=5, help="Measured at each point.")] = 20.0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the cores of each process, as SVG.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How the pipeline's cost grows with robots, their rate, their joints, or workers."""
    try:
        result = bench_growth(axis, value or VALUES[axis], seconds, say)
    except NoRoomError as error:
        fail(str(error), Exit.FAILURE)
    if plot is not None:
        plot_growth(result, plot)
    if as_json:
        print_json(result)
        return
    names = list(next(iter(result["points"].values()))["processes"])
    print_table(
        f"CPU seconds per million frames by {axis}",
        (axis.value, "frames/s", "chunks/s", "sustained", "p50 ms", "p99 ms", "cores", *names),
        [
            (at, p["frames_per_second"], p["chunks_per_second"], p["sustained"],
             p["delay_ms"]["p50"], p["delay_ms"]["p99"], p["cores"],
             *(p["processes"].get(n, {}).get("cpu_s_per_million_frames") for n in names))
            for at, p in result["points"].items()
        ],
    )  # fmt: skip


@bench.command()
def parts(
    frames: Annotated[int, typer.Option(min=2_048)] = 20_000,
    chunk_frames: Annotated[
        list[int] | None, typer.Option(help="Frames a chunk; may be given many times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What wire format, processing step and each sink cost by themselves, by chunk size."""
    result = bench_parts(frames, chunk_frames or CHUNKS, say)
    if as_json:
        print_json(result)
        return
    costs = result["cpu_s_per_million_frames"]
    print_table(
        "CPU seconds per million frames",
        ("part", *(f"chunks of {size}" for size in costs)),
        [(name, *(told[name] for told in costs.values())) for name in next(iter(costs.values()))],
    )


@bench.command()
def rest(
    frames: Annotated[int, typer.Option(min=2_048, help="Of each robot.")] = 20_480,
    shared: Annotated[
        Path | None,
        typer.Option(envvar="KINEBUS_SHARED", help="Folder with recordings/: real motion, too."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bytes at rest in each store, native signals and derived ones apart; bit for bit."""
    result = bench_rest(frames, shared / "recordings" if shared else None, say)
    if as_json:
        print_json(result)
        return
    stores = ("lake", "clickhouse")
    print_table(
        f"Bytes a frame; native signals also for {FULL_FRAME_BYTES} bytes of input",
        ("robot", "channels", "native in", "raw in", "archive",
         *(f"{s}: {what}" for s in stores for what in ("native", "per 528", "derived", "rest")),
         "lossless"),
        [
            (name, told["channels"], told["native_input"], told["raw_input"], told["archive"],
             *(value for store in stores for value in told[store].values()),
             all(told["lossless"].values()))
            for name, told in result.items()
        ],
    )  # fmt: skip


@bench.command()
def step(
    frames_per_second: Annotated[float, typer.Option(min=1)] = StepLoad.frames_per_second,
    seconds: Annotated[
        float, typer.Option(min=2, help="Measured at the set rate, each runner.")
    ] = StepLoad.seconds,
    chunk_frames: Annotated[int, typer.Option(min=1, max=64)] = StepLoad.chunk_frames,
    bulk_frames: Annotated[int, typer.Option(min=1_000)] = StepLoad.bulk_frames,
    peers: Annotated[bool, typer.Option(help="Run Bytewax and Quix Streams beside.")] = True,
    as_json: AsJson = False,
) -> None:
    """The processing step on the worker, a plain loop, Bytewax and Quix Streams, in one run."""
    load = StepLoad(frames_per_second, seconds, 48, chunk_frames, bulk_frames, peers)
    try:
        result = bench_step(load, say)
    except PeerError as error:
        fail(str(error), Exit.FAILURE)
    if as_json:
        print_json(result)
        return
    for when in ("at_set_rate", "in_bulk"):
        print_table(
            when.replace("_", " "),
            ("runner", "CPU s per million frames", "x plain loop", "x plain loop, trivial work"),
            [(name, *told.values()) for name, told in result[when].items()],
        )
    for name, value in result["conditions"].items():
        say(f"{name}: {value}")


@bench.command()
def body(
    source: Annotated[str, typer.Option(help="Robot whose motion it is.")] = Case.source,
    target: Annotated[str, typer.Option(help="Robot it is retargeted to.")] = Case.target,
    frames: Annotated[int, typer.Option(min=50)] = Case.frames,
    rounds: Annotated[int, typer.Option(min=1)] = Case.rounds,
    peers: Annotated[bool, typer.Option(help="Run pinocchio, mink and pink beside.")] = True,
    solvers: Annotated[bool, typer.Option(help="Of these, run mink and pink, too.")] = True,
    speed: Annotated[bool, typer.Option(help="Measure how fast it is.")] = True,
    shared: Annotated[
        Path | None,
        typer.Option(
            envvar="KINEBUS_SHARED",
            help="Folder with robots/ and recordings/; with it, truth is measured, too: minutes.",
        ),
    ] = None,
    robots: Annotated[int, typer.Option(min=2, help="Robots retargeted each to each.")] = 24,
    as_json: AsJson = False,
) -> None:
    """The canonical body: how fast on one core, and how true beside independent witnesses."""
    case = Case(source, target, frames, rounds, peers, peers and solvers) if speed else None
    truth = None if shared is None else Truth(shared, robots)
    try:
        result = bench_body(case, truth, say)
    except (EmbodimentError, PeerError, OSError) as error:
        fail(str(error), Exit.FAILURE)
    if as_json or truth is not None:
        print_json(result)
        return
    if not speed:
        fail("nothing to measure: no --shared folder, and --no-speed", Exit.USAGE)
    _print_speed(result)


def _print_speed(result: dict[str, Any]) -> None:
    speed = result["speed"]
    print_table(
        f"{speed['conditions']['source']} to {speed['conditions']['target']}, one core",
        ("what", "frames per CPU second", "we are times as fast"),
        [
            (name, rate, speed["times_as_fast_as"].get(name))
            for name, rate in speed["frames_per_cpu_second"].items()
        ],
    )
    for name, value in (result["conditions"] | speed["conditions"]).items():
        say(f"{name}: {value}")


@bench.command()
def quality(
    seconds: Annotated[float, typer.Option(min=30, help="Of each struck take.")] = 48.0,
    clean_robots: Annotated[int, typer.Option(min=0)] = 20,
    clean_seconds: Annotated[float, typer.Option(min=30, help="Of each clean run.")] = 600.0,
    as_json: AsJson = False,
) -> None:
    """Every defect put into every vendor's robot: found, missed, or not provable; clean runs."""
    with TemporaryDirectory(prefix="kinebus-bench-") as folder:
        vendors = robots_with_all_signals(Path(folder))
        result = bench_quality(vendors, seconds, clean_robots, clean_seconds, say)
    if as_json:
        print_json(result)
        return
    robots = sorted({cell.profile for cell in result.cells})
    rows = [
        (defect.id, *(result.cell(defect.id, robot).result for robot in robots))
        for defect in DEFECTS
    ]
    print_table("Defects by robot", ("defect", *robots), rows)
    print_table(
        f"Error findings in clean runs of {clean_seconds:.0f} s",
        ("robot", "errors"),
        [(name, ", ".join(errors)) for name, errors in result.false_errors.items()],
    )
