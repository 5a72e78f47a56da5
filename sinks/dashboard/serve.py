"""Serves a dashboard until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvicorn

from sinks.dashboard.compose import Dashboard

CLOSE_WITHIN_S = 1


async def serve(
    dashboard: Dashboard, host: str, port: int, ready: Callable[[uvicorn.Server], None]
) -> None:
    """Serve on an address until SIGTERM, SIGINT, or `should_exit` of the server.

    Args:
        dashboard: what is served.
        host: the address.
        port: and its port.
        ready: gets the server before it begins.

    Raises:
        Exception: whatever ended one of the dashboard's loops.
    """
    config = uvicorn.Config(
        dashboard.app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=CLOSE_WITHIN_S,
    )
    server = uvicorn.Server(config)

    def ended(task: asyncio.Task[None]) -> None:
        server.should_exit = True

    tasks = [asyncio.ensure_future(loop) for loop in dashboard.loops]
    for task in tasks:
        task.add_done_callback(ended)
    ready(server)
    await server.serve()
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
