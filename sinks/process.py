"""A sink as a process: settings, signals, metrics, and an exit code that says what happened."""

from __future__ import annotations

import gc
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from threading import Event

import structlog
from prometheus_client import start_http_server

from schemas.settings import SettingMissingError, Settings
from sinks.consumer import consumer_settings
from sinks.follow import Follower, Sink, StoppedError

EXIT_USAGE = 2
EXIT_SOFTWARE = 70
"""An unexpected error: nothing unwritten was committed, and a supervisor starts the sink again."""


def run_sink(name: str, topics: Sequence[str], build: Callable[[Settings, Follower], Sink]) -> int:
    """Run a sink until SIGTERM or SIGINT.

    Args:
        name: the sink's name; its consumer group is `sink-<name>`.
        topics: topics or patterns to follow.
        build: makes the sink; called once, with the follower whose patience it waits with.
    """
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    structlog.contextvars.bind_contextvars(sink=name)
    log = structlog.get_logger()
    stop = Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    try:
        settings = Settings()
        bootstrap = settings.require_kafka()
        if settings.metrics_port:
            start_http_server(settings.metrics_port, settings.metrics_host)
        consumer = consumer_settings(bootstrap, f"sink-{name}", settings.worker)
        follower = Follower(name, consumer, stop)
        sink = build(settings, follower)
        gc.freeze()
        log.info("following", topics=list(topics), worker=settings.worker)
        follower.run(topics, sink)
    except SettingMissingError as error:
        log.error(str(error))
        return EXIT_USAGE
    except StoppedError:
        log.info("stopped before it began")
        return 0
    except Exception as error:
        notes = getattr(error, "__notes__", [])
        traceback.print_exc()
        log.error("unexpected error: nothing after the last commit is lost", at=notes)
        return EXIT_SOFTWARE
    log.info("stopped")
    return 0
