"""The one way this system talks to ClickHouse, and which of its errors may pass."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import clickhouse_connect
import urllib3
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from sinks.patience import is_disk_full

# The server is full, busy, out of memory or disk, or cannot reach what it needs: not our rows.
_PASSING_CODES = frozenset(
    (3, 159, 160, 164, 173, 201, 202, 209, 210, 225, 236, 241, 242, 243, 244, 252, 279, 285, 319,
     394, 439, 473, 516, 594, 999)
)  # fmt: skip
_CODE = re.compile(r"(?:Code: |error code )(\d+)")
_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def connect(url: str, database: str | None, timeout_s: int = 60) -> Client:
    """A client of a server or of the embedded ClickHouse.

    Raises:
        clickhouse_connect.driver.exceptions.Error: it does not answer.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return clickhouse_connect.get_client(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or (8443 if secure else 8123),
        secure=secure,
        username=parts.username or "default",
        password=parts.password or "",
        database=database or "__default__",
        compress=False,
        connect_timeout=5,
        send_receive_timeout=timeout_s,
        query_limit=0,
        query_retries=0,
        autogenerate_session_id=False,
        client_name="kinebus",
    )


def connect_created(url: str, database: str) -> Client:
    """A client of a database that is made if it is not there."""
    if not _DATABASE.fullmatch(database):
        raise ValueError(f"{database!r} is no name for a database: letters, digits, underscore")
    connect(url, None).command(f"CREATE DATABASE IF NOT EXISTS {database}")
    return connect(url, database)


def clickhouse_may_recover(error: BaseException) -> bool:
    """Whether an error may pass by itself: the server is away, busy or full."""
    if is_disk_full(error):
        return True
    code = _CODE.search(str(error))
    if isinstance(error, ClickHouseError) and code:
        return int(code.group(1)) in _PASSING_CODES
    passing = (OperationalError, ConnectionError, TimeoutError, urllib3.exceptions.HTTPError)
    return isinstance(error, passing)
