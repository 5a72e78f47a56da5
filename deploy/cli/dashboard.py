"""`kinebus dashboard`: where the running one is, or one beside a system that has none."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from deploy.cli.out import say, stdout
from deploy.cli.where import Home, attached, own_settings
from deploy.ports import port_near
from deploy.programs import environment
from deploy.stack import dashboard_url
from deploy.stack_file import read_stack
from sinks.dashboard.__main__ import main


def dashboard(
    port: Annotated[int, typer.Option(min=0, help="0: the usual one, else a free one.")] = 0,
    home: Home = None,
) -> None:
    """Print the address of the running dashboard; where none runs, serve one until Ctrl-C."""
    stack = read_stack(own_settings(home).home)
    if stack is not None and "dashboard" in stack.chosen:
        stdout.print(stack.chosen["dashboard"], markup=False)
        return
    settings = attached(home)
    settings.require_kafka()
    update = {"dashboard_port": port or port_near(settings.dashboard_port)}
    settings = settings.model_copy(update=update)
    say(f"{dashboard_url(settings)}  (Ctrl-C ends it)")
    # The program itself reads its settings from the environment, as it does under a supervisor.
    os.environ.update(environment(settings))
    raise typer.Exit(main())
