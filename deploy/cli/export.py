"""`kinebus export`: sealed episodes as a data set that trainers read."""

from __future__ import annotations

import re
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from deploy.cli.out import Exit, fail, print_json, say, stderr
from deploy.cli.where import AsJson, Home, attached
from schemas.embodiment import EmbodimentError, load_embodiment
from schemas.tasks import TaskTableError
from schemas.vendors import load_vendors
from sinks.catalogue import list_episodes
from sinks.clickhouse.client import connect
from sinks.datasets.episode import CorruptEpisodeError
from sinks.datasets.export import Exported, Format, export
from sinks.datasets.plan import Choice, ExportError
from sinks.datasets.signals import ActionKind, Space
from sinks.objects import open_store, store_may_recover
from sinks.where.sql import parse_where
from sinks.where.words import WhereError
from streams.retarget_plan import TargetPlan, compile_target

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
MAX_EPISODES = 1_000_000


def export_(
    name: Annotated[str, typer.Argument(help="The data set's name.")],
    out: Annotated[str, typer.Option(help="A new folder, or s3://bucket/prefix.")],
    where: Annotated[
        str, typer.Option(help="Which episodes, such as \"task = 'fold' and verdict = 'accept'\".")
    ] = "verdict = 'accept'",
    form: Annotated[Format, typer.Option("--format", help="What trainers shall read.")] = (
        Format.LEROBOT_V3
    ),
    target: Annotated[
        str | None, typer.Option("--as", help="Play everything on this embodiment.")
    ] = None,
    space: Annotated[
        Space, typer.Option(help="The robots' own joints, or the canonical body's.")
    ] = Space.NATIVE,
    full: Annotated[
        bool, typer.Option("--full", help="Canonical space: keep absent DoFs as 0, with a mask.")
    ] = False,
    action: Annotated[
        ActionKind | None, typer.Option(help="Default: the command, where robots send one.")
    ] = None,
    fps: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Default: the slowest robot's rate.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Shares, such as train=0.9,val=0.1; default: all in train.")
    ] = None,
    max_gap: Annotated[
        float, typer.Option(min=0.001, max=10.0, help="Seconds; longer gaps are never bridged.")
    ] = 0.25,
    licence: Annotated[
        str | None, typer.Option(help="Terms of the data, for its card, such as cc-by-4.0.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write chosen episodes as a data set: on an even grid, with statistics, lineage and a card."""
    if not _NAME.fullmatch(name):
        fail(f"{name!r}: a name has letters, digits, dots, hyphens, underscores", Exit.USAGE)
    if full and space is not Space.CANONICAL:
        fail("--full goes with --space canonical: natively no joint is absent", Exit.USAGE)
    if target is not None and space is Space.CANONICAL:
        fail("--as and --space canonical exclude each other: name one body", Exit.USAGE)
    try:
        condition = parse_where(where)
        choice = Choice(
            name=name, space=space, target=_target(target), action=action, fps=fps,
            splits=_splits(split), full=full, max_gap_s=max_gap,
        )  # fmt: skip
    except (WhereError, EmbodimentError, ExportError) as error:
        fail(str(error), Exit.USAGE)
    settings = attached(home)
    client = connect(settings.require_clickhouse(), settings.clickhouse_database)
    try:
        episodes = list_episodes(client, where=condition, limit=MAX_EPISODES)
    finally:
        client.close()
    vendors = load_vendors(settings.profiles_dir)
    store = open_store(settings.require_lake())
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=stderr,
    )  # fmt: skip
    try:
        with bars:
            known: dict[str, TaskID] = {}

            def progress(what: str, done: int, total: int) -> None:
                if what not in known:
                    known[what] = bars.add_task(what, total=total)
                bars.update(known[what], completed=done)

            done = export(choice, form, out, where, episodes, store, vendors, progress, licence)
    except (ExportError, CorruptEpisodeError, TaskTableError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error}: nothing was published; the same command goes on where this one ended")
    except Exception as error:
        if not store_may_recover(error):
            raise
        fail(f"the object store: {error}. The same command goes on where this one ended")
    _report(done, as_json)


def _target(name: str | None) -> TargetPlan | None:
    return None if name is None else compile_target(load_embodiment(name))


def _splits(text: str | None) -> tuple[tuple[str, float], ...]:
    """`train=0.9,val=0.1` as names and shares."""
    if text is None:
        return ()
    found = []
    for part in text.split(","):
        name, _, share = part.partition("=")
        try:
            number = float(share)
        except ValueError:
            number = -1.0
        if not _NAME.fullmatch(name.strip()) or not 0.0 < number <= 1.0:
            raise ExportError(f"--split {text!r}: expected shares such as train=0.9,val=0.1")
        found.append((name.strip(), number))
    names = [name for name, _ in found]
    if len(set(names)) < len(names) or abs(sum(share for _, share in found) - 1.0) > 1e-6:
        raise ExportError(f"--split {text!r}: names differ, and shares add up to 1")
    return tuple(found)


def _report(done: Exported, as_json: bool) -> None:
    if as_json:
        print_json(done.document())
        return
    told = done.document()
    say(
        f"{told['episodes']} episodes, {told['frames']:,} steps at {told['fps']} a second, "
        f"in {done.out}"
    )
    for one in told["refused"]:
        say(f"  left out {one['episode']}: {one['reason']}")
