"""`python -m sinks.dashboard`: reads the log and serves the live dashboard."""

from __future__ import annotations

import asyncio
import gc
import sys
import traceback
from threading import Event, Thread

import structlog
import uvicorn
from prometheus_client import start_http_server

from schemas.settings import SettingMissingError, Settings
from sinks.dashboard.board import Board
from sinks.dashboard.compose import compose
from sinks.dashboard.reader import Reader
from sinks.dashboard.serve import serve
from sinks.process import EXIT_SOFTWARE, EXIT_USAGE

NAME = "dashboard"

log = structlog.get_logger()


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    structlog.contextvars.bind_contextvars(sink=NAME)
    settings = Settings()
    try:
        bootstrap = settings.require_kafka()
    except SettingMissingError as error:
        log.error(str(error))
        return EXIT_USAGE
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_host)
    try:
        failed = asyncio.run(_read_and_serve(settings, bootstrap))
    except Exception:
        traceback.print_exc()
        failed = True
    return EXIT_SOFTWARE if failed else 0


async def _read_and_serve(settings: Settings, bootstrap: str) -> bool:
    """Whether the reader failed."""
    stop, board = Event(), Board()
    dashboard = compose(board, settings)
    failed: list[BaseException] = []

    def start(server: uvicorn.Server) -> None:
        def read() -> None:
            try:
                Reader(bootstrap, board, stop).run()
            except BaseException as error:
                traceback.print_exc()
                failed.append(error)
                server.should_exit = True

        Thread(target=read, name="reader", daemon=True).start()
        gc.freeze()
        log.info("serving", url=f"http://{settings.dashboard_host}:{settings.dashboard_port}/")

    await serve(dashboard, settings.dashboard_host, settings.dashboard_port, start)
    stop.set()
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
