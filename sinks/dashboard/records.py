"""What ClickHouse keeps about quality, asked every few seconds while somebody looks at it."""

from __future__ import annotations

import time
from typing import Any

import structlog
from clickhouse_connect.driver.client import Client

from sinks.clickhouse.client import clickhouse_may_recover, connect
from sinks.clickhouse.questions import ask
from sinks.dashboard.feed import Document

QUALITY = ("makers_by_check", "verdicts_by_hour", "reasons", "worst_robots")
LETTERS = """
SELECT splitByChar('.', source_topic)[2] AS vendor, reason, outcome, count() AS records,
    sum(frames) AS frames, max(log_ms) AS last_ms, any(detail) AS detail
FROM dead_letters FINAL WHERE log_ms >= {since_ms:Int64}
GROUP BY vendor, reason, outcome ORDER BY records DESC, vendor, reason LIMIT 50
"""
SECONDS = """
SELECT second, sum(frames) AS frames, sum(flagged_frames) AS flagged
FROM current_robot_seconds WHERE second >= intDiv({since_ms:Int64}, 1000)
GROUP BY second ORDER BY second
"""
SPAN_S = 86_400
SECONDS_SPAN_S = 900
TIMEOUT_S = 20

log = structlog.get_logger()


class Records:
    """A connection that is made when it is needed, and the answers it gave last.

    Args:
        url: ClickHouse's address; None where there is none.
        database: in it.
    """

    def __init__(self, url: str | None, database: str) -> None:
        self._url = url
        self._database = database
        self._client: Client | None = None

    def quality(self, now_s: float) -> Document:
        """What was found where, and how takes were judged, over the last day."""
        since_ms = int((now_s - SPAN_S) * 1_000)

        def asked(client: Client) -> Document:
            told: Document = {name: ask(client, name, since_ms).documents() for name in QUALITY}
            second_ms = int((now_s - SECONDS_SPAN_S) * 1_000)
            told["seconds"] = _rows(client, SECONDS, second_ms)
            return told

        return self._attempt(asked)

    def letters(self, now_s: float) -> Document:
        """What was refused, over the last day, by its last outcome."""
        since_ms = int((now_s - SPAN_S) * 1_000)
        return self._attempt(lambda client: {"letters": _rows(client, LETTERS, since_ms)})

    def _attempt(self, asked: Any) -> Document:
        """The answer with its time; where ClickHouse is away, why."""
        if self._url is None:
            return {"away": "no CLICKHOUSE_URL is set"}
        began = time.monotonic()
        try:
            if self._client is None:
                self._client = connect(self._url, self._database, TIMEOUT_S)
            told: Document = asked(self._client)
        except Exception as error:
            if not clickhouse_may_recover(error) and "UNKNOWN" not in str(error):
                raise
            log.warning("ClickHouse", error=str(error)[:300])
            self._client = None
            return {"away": str(error)[:300]}
        return {**told, "took_ms": round((time.monotonic() - began) * 1e3)}


def _rows(client: Client, sql: str, since_ms: int) -> list[dict[str, Any]]:
    found = client.query(sql, parameters={"since_ms": since_ms})
    return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]
