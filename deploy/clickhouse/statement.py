"""What a request asks for, read from its URL, headers and the beginning of its text. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.clickhouse.errors import BAD_ARGUMENTS, ClickHouseError

DEFAULT_FORMAT = "TabSeparated"

# Parameters of the interface itself. Sessions are not kept: each request has a fresh connection.
_NOT_SETTINGS = frozenset(
    (
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "quota_key",
        "query_id",
        "role",
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "compress",
        "decompress",
        "enable_http_compression",
        "http_zlib_compression_level",
        "buffer_size",
        "wait_end_of_query",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "client_protocol_version",
        "stacktrace",
    )
)

_NAME = re.compile(r"\w+")
_LEADING = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_READS = re.compile(
    rf"{_LEADING}\(?\s*(?:SELECT|WITH|SHOW|DESCRIBE|DESC|EXPLAIN|EXISTS)\b", re.I | re.S
)
_INSERT_WITH_DATA = re.compile(
    rb"\s*INSERT\s+INTO\s+(?:(?!\bSELECT\s|\bVALUES\s*\().)+?\sFORMAT\s+(\w+)[ \t]*;?\r?\n?",
    re.I | re.S,
)
_TRAILING_FORMAT = re.compile(r"\s+FORMAT\s+(\w+)[\s;]*$", re.I)


@dataclass(frozen=True)
class Options:
    """The circumstances of a statement: database, format, settings and bound parameters."""

    database: str = ""
    format: str = DEFAULT_FORMAT
    settings: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InsertHead:
    """An INSERT whose rows follow it: the statement, their format, where in the text they begin."""

    sql: str
    format: str
    data_at: int


def options_of(query: Mapping[str, str], headers: Mapping[str, str]) -> Options:
    """The options in a request's URL or form, and in its headers (names in lower case)."""
    settings, params = {}, {}
    for name, value in query.items():
        if name.startswith("param_"):
            params[name.removeprefix("param_")] = value
        elif name not in _NOT_SETTINGS:
            if not _NAME.fullmatch(name):
                raise ClickHouseError(BAD_ARGUMENTS, f"{name!r} is no setting. (BAD_ARGUMENTS)")
            settings[name] = value
    return Options(
        database=query.get("database") or headers.get("x-clickhouse-database", ""),
        format=query.get("default_format") or headers.get("x-clickhouse-format", DEFAULT_FORMAT),
        settings=settings,
        params=params,
    )


def insert_head(text: bytes) -> InsertHead | None:
    """The INSERT at the beginning of a text, if rows in a named format follow it."""
    match = _INSERT_WITH_DATA.match(text)
    if match is None:
        return None
    return InsertHead(
        sql=text[: match.start(1)].decode().rstrip()[: -len("FORMAT")].rstrip(),
        format=match.group(1).decode(),
        data_at=match.end(),
    )


def only_reads(sql: str) -> bool:
    """Whether a statement changes nothing."""
    return _READS.match(sql) is not None


def split_format(sql: str) -> tuple[str, str | None]:
    """A statement without its closing FORMAT, and that format if it has one."""
    match = _TRAILING_FORMAT.search(sql)
    return (sql[: match.start()], match.group(1)) if match else (sql, None)


def quoted(value: str) -> str:
    """A value as a string literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def set_statement(settings: Mapping[str, str]) -> str:
    """The statement that puts settings in force on a connection."""
    return "SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())
