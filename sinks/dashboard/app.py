"""The dashboard's web server: its page and its streams; no state of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from litestar import Litestar, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery
from litestar.response import File, Stream
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from sinks.dashboard.feed import TooManyPagesError

STATIC = Path(__file__).with_name("static")

NEVER_CACHED = {"cache-control": "no-store"}

Follow = Callable[[], AsyncIterator[bytes]]


def build_app(
    streams: Mapping[str, Follow],
    follow_robot: Callable[[str], AsyncIterator[bytes]],
) -> Litestar:
    """The web application.

    Args:
        streams: by name, what a page follows at `/stream/<name>`.
        follow_robot: the same of one robot, at `/stream/robot?name=…`.
    """

    @get("/", include_in_schema=False)
    async def page() -> File:
        return File(
            STATIC / "index.html",
            media_type="text/html",
            content_disposition_type="inline",
            headers={"cache-control": "no-cache"},
        )

    @get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"dashboard": "ok"}

    @get("/stream/robot", include_in_schema=False)
    async def robot(name: FromQuery[str]) -> Stream:
        return _stream(follow_robot(name))

    @get("/stream/{which:str}", include_in_schema=False)
    async def stream(which: FromPath[str]) -> Stream:
        if which not in streams:
            raise HTTPException(f"no stream {which!r}", status_code=404)
        return _stream(streams[which]())

    files = create_static_files_router(
        path="/static",
        directories=[STATIC],
        cache_control=CacheControlHeader(no_cache=True),
        include_in_schema=False,
    )
    handlers: list[ControllerRouterHandler] = [page, health, robot, stream, files]
    return Litestar(
        handlers,
        exception_handlers={TooManyPagesError: _too_many},
        openapi_config=None,
    )


def _stream(events: AsyncIterator[bytes]) -> Stream:
    return Stream(events, media_type="text/event-stream", headers=NEVER_CACHED)


def _too_many(_request: object, _error: TooManyPagesError) -> Response[str]:
    return Response("too many pages are open", status_code=503)
