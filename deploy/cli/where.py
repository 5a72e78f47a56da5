"""Where the stack is that a verb works on: the settings, filled from the one that runs here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.stack_file import read_stack
from schemas.settings import Settings

Home = Annotated[
    Path | None,
    typer.Option("--home", help="The stack's folder; default: $KINEBUS_HOME, else ./.kinebus"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def own_settings(home: Path | None) -> Settings:
    """The environment's settings, with another home if one is named."""
    settings = Settings()
    return settings if home is None else settings.model_copy(update={"home": home})


def attached(home: Path | None) -> Settings:
    """The environment's settings; what they leave out is taken from the stack that runs here."""
    settings = own_settings(home)
    stack = read_stack(settings.home)
    if stack is None:
        return settings
    found = {
        "kafka_bootstrap": stack.bootstrap,
        "clickhouse_url": stack.clickhouse_url,
        "lake_url": stack.lake_url,
        "partitions": stack.partitions,
        "vendors": settings.vendors or ",".join(stack.vendors),
    }
    missing = {name: value for name, value in found.items() if not getattr(settings, name)}
    return settings.model_copy(update={**missing, "partitions": stack.partitions})
