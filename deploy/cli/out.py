"""What every verb prints with: data on stdout, messages on stderr, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table

stdout = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 140)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """How a verb ends."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    UNHEALTHY = 3


def say(message: str) -> None:
    """A message to the person, on stderr."""
    stderr.print(message)


def fail(message: str, code: Exit = Exit.FAILURE) -> NoReturn:
    """End with an error that says what to do next."""
    stderr.print(f"[bold red]error:[/] {message}")
    raise typer.Exit(code)


def print_json(value: Any) -> None:
    """Data for a program: one JSON document."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Data for a person."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    stdout.print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
