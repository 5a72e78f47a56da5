"""`python -m deploy.audit`: audits a running system all the time, for a small share of a core.

Each round judges what lies behind the last one. A problem is looked at again in the next round;
what stands then is told, left behind, and stays told until a full audit (`kinebus audit`) is ok.
"""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import NoReturn

import structlog
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from confluent_kafka import KafkaException
from obstore.exceptions import BaseError
from prometheus_client import Counter, start_http_server

from deploy.audit.running import RunningAudit, write_last
from schemas.metrics import AUDIT_CPU_SECONDS
from schemas.settings import SettingMissingError, Settings

SHARE = 0.045
"""Of a core: a round that took more CPU is followed by a longer pause."""

SHORTEST_PAUSE_S = 10.0
EXIT_USAGE = 2
_AWAY = (KafkaException, BaseError, OSError, ClickHouseError)

log = structlog.get_logger()

CPU = Counter(AUDIT_CPU_SECONDS, "CPU seconds used")


class StoppedError(Exception):
    """The process was told to stop; a round may end anywhere, the watermark is replaced whole."""


def main() -> int:
    """Audit until told to stop."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _stop)
    settings = Settings()
    try:
        settings.require_kafka()
        settings.require_clickhouse()
        settings.require_lake()
        if settings.metrics_port:
            start_http_server(settings.metrics_port, settings.metrics_host)
        _audit(settings)
    except SettingMissingError as error:
        log.error(str(error))
        return EXIT_USAGE
    except StoppedError:
        log.info("stopped")
    return 0


def _audit(settings: Settings) -> NoReturn:
    audit = RunningAudit(settings)
    pause_s = SHORTEST_PAUSE_S
    while True:
        time.sleep(pause_s)
        began_s, cpu_s = time.monotonic(), time.process_time()
        try:
            told = audit.round()
            write_last(settings.home, told)
            if told["problems"]:
                log.error("problems", kinds={one["kind"]: one["count"] for one in told["problems"]})
        except _AWAY as error:
            log.warning("a part of the system is away: looked at again", error=str(error))
            audit.close()
        used_s = time.process_time() - cpu_s
        CPU.inc(used_s)
        pause_s = max(SHORTEST_PAUSE_S, used_s / SHARE - (time.monotonic() - began_s))


def _stop(_signum: int, _frame: FrameType | None) -> NoReturn:
    raise StoppedError


if __name__ == "__main__":
    sys.exit(main())
