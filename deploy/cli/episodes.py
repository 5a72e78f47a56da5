"""Verbs about episodes: list, show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from clickhouse_connect.driver.client import Client

from deploy.cli.out import Exit, fail, print_json, print_table, stdout
from deploy.cli.where import AsJson, Home, attached
from schemas.settings import Settings
from sinks.catalogue import Episode, EpisodeDetail, list_episodes, show_episode
from sinks.clickhouse.client import connect
from sinks.objects import open_store
from sinks.where.sql import EVERY, parse_where
from sinks.where.words import WhereError

episodes = typer.Typer(help="Find episodes, and look at one.", no_args_is_help=True)

Text = Annotated[str | None, typer.Option()]


@episodes.command("list")
def list_(
    vendor: Text = None,
    robot: Text = None,
    task: Text = None,
    operator: Text = None,
    station: Text = None,
    verdict: Annotated[str | None, typer.Option(help="accept, review or reject")] = None,
    where: Annotated[
        str | None, typer.Option(help="A condition, such as \"task = 'fold' and score > 0.99\".")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are not complete.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List episodes, the newest first; complete ones only, unless told otherwise."""
    wanted = {
        name: value
        for name, value in {
            "robot": robot, "task": task, "operator": operator, "station": station,
            "verdict": verdict,
        }.items()
        if value is not None
    }  # fmt: skip
    try:
        condition = EVERY if where is None else parse_where(where)
    except WhereError as error:
        fail(str(error), Exit.USAGE)
    with database(attached(home)) as client:
        found = list_episodes(
            client, vendor=vendor, complete_only=not every, where=condition, limit=limit, **wanted
        )
    if as_json:
        print_json([one.document() for one in found])
        return
    columns = ("episode", "robot", "task", "operator", "frames", "success", "verdict", "reasons")
    print_table(f"{len(found)} episodes", columns, [_row(one) for one in found])


@episodes.command()
def show(
    episode: Annotated[str, typer.Argument(help="As `kinebus episodes list` names it.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Everything about one episode: who said what of it, findings, objects."""
    settings = attached(home)
    with database(settings) as client:
        detail = show_episode(client, open_store(settings.require_lake()), episode)
    if detail is None:
        fail(f"no episode {episode!r}; `kinebus episodes list --all` names those there are")
    if as_json:
        print_json(detail.document())
    else:
        _print(detail)


def _row(one: Episode) -> tuple[object, ...]:
    return (
        one.episode, one.robot, one.task, one.operator, one.frames, one.success, one.verdict,
        " ".join(one.reasons),
    )  # fmt: skip


def _print(detail: EpisodeDetail) -> None:
    for name, value in detail.episode.document().items():
        if value not in (None, []):
            stdout.print(f"{name:16} {value}", markup=False)
    if detail.findings:
        print_table("Findings", ("check", "frames"), detail.findings.items())
    told = ("kind", "frames", "cause", "verdict")
    print_table("Who said what", told, [[e.get(name) for name in told] for e in detail.events])
    if detail.manifest is not None:
        segments = [(s["key"], s["frames"], s["bytes"]) for s in detail.manifest["segments"]]
        print_table("Objects", ("key", "frames", "bytes"), segments)


@contextmanager
def database(settings: Settings) -> Iterator[Client]:
    """A client of the settings' database."""
    client = connect(settings.require_clickhouse(), settings.clickhouse_database)
    try:
        yield client
    finally:
        client.close()
