"""The verb that makes a store anew from the lake."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated

import typer
from clickhouse_connect.driver.client import Client
from confluent_kafka import TopicPartition
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.out import print_json, print_table, say, stderr
from deploy.cli.where import AsJson, Home, attached
from deploy.lag import committed
from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES
from sinks.announce import Announcer
from sinks.clickhouse.__main__ import TOPICS
from sinks.clickhouse.beside import Beside
from sinks.clickhouse.rebuild import Log, Rebuilt, Told
from sinks.clickhouse.rebuild import rebuild as rebuild_tables
from sinks.clickhouse.sink import ClickHouseSink
from sinks.objects import open_store
from sinks.patience import Patience
from sinks.record import Place
from sinks.spans import SpanReader

rebuild = typer.Typer(help="Make a store anew from the lake.", no_args_is_help=True)


@rebuild.callback()
def _rebuild() -> None:
    """Make a store anew from the lake."""


@rebuild.command()
def clickhouse(
    lake_only: Annotated[
        bool, typer.Option("--lake-only", help="Leave out what the log holds behind the lake.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Restore every table from the lake, beside the old ones, then swap.

    The stack may run meanwhile. Broken off, run it again: it goes on where it was.
    """
    settings = attached(home)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=stderr, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("sessions and archived facts", total=None)
        done = rebuild_clickhouse(
            settings,
            lake_only,
            lambda _, part, parts: bar.update(task, completed=part, total=parts),
        )
    if as_json:
        print_json(done.document())
        return
    print_table("Restored", ("table", "rows"), done.rows.items())
    say(
        f"{done.parts} parts of the lake, {done.parts_before} of them by an earlier run; "
        f"{done.log_records} records from the log behind it; {done.seconds} s"
    )


def rebuild_clickhouse(settings: Settings, lake_only: bool, told: Told) -> Rebuilt:
    """Restore every table of the database of the settings."""
    with ExitStack() as stack:
        store = open_store(settings.require_lake())
        beside = Beside(settings.require_clickhouse(), settings.clickhouse_database)
        stack.callback(beside.close)
        log = None
        if not lake_only:
            reader = SpanReader(settings.require_kafka())
            stack.callback(reader.close)
            log = _log(settings.require_kafka(), reader)
        return rebuild_tables(beside, store, TOPICS, CANONICAL_FRAMES, log, told)


def _log(bootstrap: str, reader: SpanReader) -> Log:
    def lake_reached(places: Sequence[Place]) -> dict[Place, int]:
        found = committed(bootstrap, "sink-lake", [TopicPartition(*place) for place in places])
        return {Place(part.topic, part.partition): max(part.offset, 0) for part in found}

    def build_sink(client: Client) -> ClickHouseSink:
        patience = Patience("rebuild", time.sleep)
        return ClickHouseSink(client, Announcer(bootstrap, "rebuild", patience), patience)

    return Log(reader, TOPICS, lake_reached, build_sink)
