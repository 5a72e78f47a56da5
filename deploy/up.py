"""Runs a stack in the foreground until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

from deploy.parts import StackOptions
from deploy.stack import running_stack
from deploy.status_view import show_for_ever
from schemas.settings import Settings


class TerminatedError(KeyboardInterrupt):
    """SIGTERM came; unwinds like Ctrl-C, so that a start is broken off as cleanly as a run."""


def run_until_stopped(
    settings: Settings,
    *,
    workers: int = 1,
    sinks: bool = True,
    options: StackOptions | None = None,
    console: Console,
) -> None:
    """Run a stack, show it, and stop it on Ctrl-C or SIGTERM.

    A second Ctrl-C while it stops ends this process at once; the kernel then ends the others.
    """
    outcome = "stopped before it was up"
    with sigterm_as_interrupt():
        try:
            with running_stack(
                settings,
                workers=workers,
                sinks=sinks,
                dashboard=sinks,
                options=options,
                say=lambda line: console.print(line, highlight=False, markup=False),
            ) as stack:
                console.print(f"running; Ctrl-C stops it all. logs: {stack.settings.home / 'logs'}")
                outcome = "stopped"
                try:
                    show_for_ever(stack, console)
                except KeyboardInterrupt:
                    console.print("stopping; Ctrl-C again ends it at once")
        except KeyboardInterrupt:
            pass
    console.print(outcome)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Raise `TerminatedError` in the main thread on SIGTERM, for as long as the block lasts."""

    def interrupt(_signum: int, _frame: FrameType | None) -> None:
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
