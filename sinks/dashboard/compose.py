"""Puts the dashboard together: what its loops are and which stream shows what."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from litestar.types import ASGIApp

from schemas.settings import Settings
from sinks.dashboard.app import build_app
from sinks.dashboard.board import Board
from sinks.dashboard.fleet import Fleet
from sinks.dashboard.flow import Flow
from sinks.dashboard.guard import guarded
from sinks.dashboard.pipeline import Pipeline
from sinks.dashboard.polled import Polled
from sinks.dashboard.profiles import Profiles
from sinks.dashboard.records import Records
from sinks.dashboard.watching import Watching

QUALITY_EVERY_S = 5.0
PIPELINE_EVERY_S = 1.0


@dataclass(frozen=True)
class Dashboard:
    """An application to serve, and the loops that feed its streams while it is served."""

    app: ASGIApp
    loops: tuple[Coroutine[Any, Any, None], ...]


def compose(board: Board, settings: Settings) -> Dashboard:
    """The dashboard of a board that somebody fills."""
    profiles = Profiles(settings.profiles_dir)
    fleet = Fleet(board, profiles.nominal_hz)
    watching = Watching(board, fleet, profiles)
    url, database = settings.clickhouse_url, settings.clickhouse_database
    flow = Flow(settings.kafka_bootstrap) if settings.kafka_bootstrap else None
    quality = Polled(QUALITY_EVERY_S, Records(url, database).quality)
    gathered = Pipeline(board, flow, Records(url, database), settings.home)
    pipeline = Polled(PIPELINE_EVERY_S, gathered.document)
    feeds = {"fleet": fleet.feed, "quality": quality.feed, "pipeline": pipeline.feed}
    app = build_app({name: feed.follow for name, feed in feeds.items()}, watching.follow)
    loops = (fleet.run(), watching.run(), quality.run(), pipeline.run())
    return Dashboard(guarded(app, settings.dashboard_host), loops)
