"""`kinebus quality ask`: the documented questions about quality, asked of ClickHouse."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from deploy.cli.episodes import database
from deploy.cli.out import Exit, fail, print_json, print_table
from deploy.cli.since import since_ms
from deploy.cli.where import AsJson, Home, attached
from sinks.clickhouse.questions import ask as asked
from sinks.clickhouse.questions import questions


def ask(
    name: Annotated[str | None, typer.Argument(help="None lists them all.")] = None,
    since: Annotated[str, typer.Option(help="1d, 2h, or an ISO time.")] = "1d",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Ask what quality was: worst robots, pass rates, costly checks, first takes and more."""
    known = questions()
    if name is None:
        listed = [{"name": one.name, "question": one.title} for one in known.values()]
        if as_json:
            print_json(listed)
        else:
            rows = [(one["name"], one["question"]) for one in listed]
            print_table("Questions about quality", ("name", "question"), rows)
        return
    if name not in known:
        fail(f"no question {name!r}; there are {', '.join(known)}", Exit.USAGE)
    with database(attached(home)) as client:
        answer = asked(client, name, since_ms(since, time.time()))
    if as_json:
        print_json(answer.documents())
    else:
        print_table(known[name].title, answer.columns, answer.rows)
