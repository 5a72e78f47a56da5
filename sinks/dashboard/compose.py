"""Puts the dashboard together: what its loops are and which stream shows what."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from litestar.types import ASGIApp

from sinks.dashboard.app import build_app
from sinks.dashboard.board import Board
from sinks.dashboard.fleet import Fleet
from sinks.dashboard.guard import guarded
from sinks.dashboard.profiles import Profiles
from sinks.dashboard.watching import Watching


@dataclass(frozen=True)
class Dashboard:
    """An application to serve, and the loops that feed its streams while it is served."""

    app: ASGIApp
    fleet: Fleet
    loops: tuple[Coroutine[Any, Any, None], ...]


def compose(board: Board, profiles: Profiles, host: str) -> Dashboard:
    """The dashboard of a board that somebody fills; `host` is the address it will listen on."""
    fleet = Fleet(board, profiles.nominal_hz)
    watching = Watching(board, fleet, profiles)
    app = build_app({"fleet": fleet.feed.follow}, watching.follow)
    return Dashboard(guarded(app, host), fleet, (fleet.run(), watching.run()))
