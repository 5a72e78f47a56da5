"""The verb that makes canonical frames of raw records anew."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.backfill.publish import PacedPublisher
from deploy.backfill.run import Backfill, Outcome, SessionDone
from deploy.backfill.select import Selection
from deploy.backfill.source import RawSource
from deploy.cli.out import Exit, fail, print_json, print_table, say, stderr
from deploy.cli.since import since_ms
from deploy.cli.where import AsJson, Home, attached
from schemas.embodiment import EmbodimentError, load_embodiment
from schemas.settings import Settings
from schemas.topics import RAW_PREFIX, vendor_of
from schemas.vendors import ProfileError, Vendor, check_joints, load_vendors
from sinks.archive.read import RAW_ROOT, held
from sinks.objects import open_store
from sinks.record import Place
from sinks.spans import SpanReader
from streams.chunk import Processor, compile_processor


def backfill(
    vendor: Annotated[str | None, typer.Option(help="Only this maker's sessions.")] = None,
    robot: Annotated[str | None, typer.Option(help="Only this robot's: maker/serial.")] = None,
    episode: Annotated[str | None, typer.Option(help="Only the session of this episode.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only sessions that went on then: 2h, 7d, or an ISO time.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only sessions that began before.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Read the records with this profile: name@version.")
    ] = None,
    embodiment: Annotated[
        str | None, typer.Option(help="Use this body: a shipped name, or a .json file.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put late and redriven records into their places.")
    ] = False,
    archive_only: Annotated[
        bool, typer.Option("--archive-only", help="Leave out what only the topics hold yet.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare; write nothing.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make canonical frames of raw records anew, under a processing id of their own.

    Nothing is written over. Where the id is the same the bytes must be, too: they are compared, and
    nothing is written. Broken off, run it again: it goes on where it was. Exit 1 when bytes differ.
    """
    settings = attached(home)
    now_s = time.time()
    selection = Selection(
        vendor,
        robot,
        episode,
        since_ms(since, now_s) if since else None,
        since_ms(until, now_s) if until else None,
    )
    processors = processors_for(settings, selection, profile, embodiment)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=stderr, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("looking for sessions", total=None)

        def told(what: str, part: int, parts: int) -> None:
            bar.update(task, description=what, completed=part, total=parts)

        done = run_backfill(
            settings, selection, processors, repair, archive_only, dry_run=dry_run, told=told
        )
    if as_json:
        print_json([one.document() for one in done])
    else:
        _show(done, dry_run)
    if any(one.outcome is Outcome.DIFFERENT for one in done):
        raise typer.Exit(Exit.FAILURE)


def run_backfill(
    settings: Settings,
    selection: Selection,
    processors: dict[str, Processor],
    repair: bool,
    archive_only: bool,
    *,
    dry_run: bool,
    told: Any,
) -> list[SessionDone]:
    """Find the sessions and make them anew."""
    with ExitStack() as stack:
        store = open_store(settings.require_lake())
        reader = None
        if not archive_only:
            reader = SpanReader(settings.require_kafka())
            stack.callback(reader.close)
        places = _places(settings, reader, selection)
        work = Backfill(RawSource(store, reader), store, processors, settings.partitions, repair)
        publisher = None if dry_run else PacedPublisher(settings.require_kafka())
        return work.run(work.find(places, selection), publisher, told)


def processors_for(
    settings: Settings, selection: Selection, profile: str | None, embodiment: str | None
) -> dict[str, Processor]:
    """What to use for each profile that an envelope may name."""
    vendors = load_vendors(settings.profiles_dir)
    wanted = selection.vendor or (selection.robot or "").split("/", 1)[0] or None
    chosen: dict[str, Vendor] = dict(vendors.by_profile)
    if profile is not None:
        if profile not in chosen:
            fail(f"no profile {profile!r}; there are {', '.join(sorted(chosen))}", Exit.USAGE)
        wanted = chosen[profile].profile.vendor
        chosen = {
            name: vendors.by_profile[profile] if vendor.profile.vendor == wanted else vendor
            for name, vendor in chosen.items()
        }
    chosen = {n: v for n, v in chosen.items() if wanted in (None, v.profile.vendor)}
    if embodiment is not None:
        try:
            body = load_embodiment(embodiment)
            for one in chosen.values():
                check_joints(one.profile, body, one.profile.id)
        except (EmbodimentError, ProfileError, OSError) as error:
            fail(f"{error}; name the maker whose body it is with --vendor", Exit.USAGE)
        chosen = {name: replace(one, embodiment=body) for name, one in chosen.items()}
    return {name: compile_processor(one, vendors.registry) for name, one in chosen.items()}


def _places(settings: Settings, reader: SpanReader | None, selection: Selection) -> list[Place]:
    """The raw partitions that may hold what is selected."""
    store = open_store(settings.require_lake())
    found = {part.place for part in held(store, RAW_ROOT)}
    if reader is not None:
        found |= {place for place in reader.places() if place.topic.startswith(RAW_PREFIX)}
    wanted = selection.vendor or (selection.robot or "").split("/", 1)[0]
    return sorted(p for p in found if not wanted or vendor_of(p.topic) == wanted)


def _show(done: list[SessionDone], dry_run: bool) -> None:
    rows = [
        (one.robot, one.session, one.processing_id, one.outcome.value, one.frames, one.refused)
        for one in done
    ]
    columns = ("robot", "session", "processing", "outcome", "frames", "refused")
    print_table("Sessions", columns, rows)
    if not done:
        say("no session is selected")
    if dry_run:
        say("nothing was written")
