"""Runs statements on chdb: a connection for each, bounded readers, writers of their own."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import chdb

from deploy.clickhouse.errors import (
    NOT_ENOUGH_SPACE,
    TOO_MANY_SIMULTANEOUS_QUERIES,
    ClickHouseError,
    error_from_chdb,
)
from deploy.clickhouse.limits import Limits, reader_settings, server_config
from deploy.clickhouse.statement import (
    InsertHead,
    Options,
    only_reads,
    quoted,
    set_statement,
    split_format,
)

# Not written, not opened, not closed, out of memory, read only, out of room, too many parts, and
# what has no code of its own.
_WRITE_FAILURES = (49, 75, 76, 77, 173, 225, 241, 242, 243, 252, 1000, 1001)
_ROOM_BYTES = 1 << 20
_FAILURES = f"""
SELECT code, sum(value), any(name), any(last_error_message) FROM system.errors
WHERE code IN {_WRITE_FAILURES} GROUP BY code
"""


class FolderInUseError(RuntimeError):
    """Another process serves this data folder."""


@dataclass(frozen=True)
class Outcome:
    """What a statement gave: a body (bytes, or an open file that is unlinked) and its counts."""

    format: str
    body: bytes | BinaryIO = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    elapsed_s: float = 0.0


class Engine:
    """One chdb data folder, which one process at a time may open.

    A shared connection runs one query at a time, so that an insert would wait behind a long read;
    a connection of its own costs a millisecond and carries nothing over from request to request.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        path.mkdir(parents=True, exist_ok=True)
        self._lock = _hold(path)
        self._spool = path / "spool"
        # Left behind by a process that was killed.
        shutil.rmtree(self._spool, ignore_errors=True)
        self._spool.mkdir()
        config = path / "config.xml"
        config.write_text(server_config(limits))
        self._address = f"{path / 'data'}?config-file={config}"
        # chdb shuts its server down with the last connection: this one holds it up.
        self._root = chdb.connect(self._address)
        self._readers = threading.BoundedSemaphore(limits.readers)
        self._writers = threading.BoundedSemaphore(limits.writers)
        self.version = self._root.query("SELECT version()", "TSV").bytes().decode().strip()

    def close(self) -> None:
        """Give the folder back."""
        self._root.close()
        self._lock.close()

    def run(self, sql: str, options: Options, read_only: bool = False) -> Outcome:
        """Run a statement that brings no rows with it."""
        reads = only_reads(sql)
        settings = reader_settings(options.settings, self._limits) if reads else options.settings
        if read_only:
            settings = {**settings, "readonly": "1"}
        slots = self._readers if reads else self._writers
        with self._connection(slots, options.database, settings) as connection:
            bare, named = split_format(sql)
            if reads and named:
                return self._run_to_file(connection, bare, named, options.params)
            format_name = named or options.format
            result = connection.query(sql, format_name, params=dict(options.params))
            return _outcome(result, format_name, result.bytes())

    def insert(self, head: InsertHead, pieces: Iterator[bytes], options: Options) -> Outcome:
        """Insert rows as they arrive, in constant memory.

        Rows that are cut short or malformed cancel the insert, as on a server: of one block
        (1,048,449 rows or 256 MB) nothing is kept.
        """
        with (
            self._connection(self._writers, options.database, options.settings) as connection,
            _told_failures(connection),
        ):
            with connection.send_insert(head.sql, head.format) as inserter:
                for piece in pieces:
                    inserter.append(piece)
                done = inserter.finish()
            return Outcome(
                format=options.format,
                written_rows=done.rows_written,
                written_bytes=done.bytes_written,
                elapsed_s=done.elapsed,
            )

    def _run_to_file(
        self, connection: Any, sql: str, format_name: str, params: Mapping[str, str]
    ) -> Outcome:
        """Run a read into an unlinked file: a large result takes disk, not memory.

        The result is whole before its first byte is sent, so no error comes in the middle of it.
        """
        with tempfile.NamedTemporaryFile(dir=self._spool, prefix="result-") as file:
            into = f"INTO OUTFILE {quoted(file.name)} TRUNCATE FORMAT {format_name}"
            with _told_failures(connection):
                result = connection.query(f"{sql}\n{into}", format_name, params=dict(params))
            self._require_room()
            return _outcome(result, format_name, Path(file.name).open("rb"))

    def _require_room(self) -> None:
        """Raise where a result may have been cut short: chdb says nothing of that either."""
        disk = os.statvfs(self._spool)
        if disk.f_bavail * disk.f_frsize < _ROOM_BYTES:
            raise ClickHouseError(
                NOT_ENOUGH_SPACE, f"no room for results in {self._spool}. (NOT_ENOUGH_SPACE)"
            )

    @contextmanager
    def _connection(
        self, slots: threading.BoundedSemaphore, database: str, settings: Mapping[str, str]
    ) -> Iterator[Any]:
        if not slots.acquire(timeout=self._limits.slot_wait_s):
            raise ClickHouseError(
                TOO_MANY_SIMULTANEOUS_QUERIES,
                f"no slot came free within {self._limits.slot_wait_s:.0f} s. "
                "(TOO_MANY_SIMULTANEOUS_QUERIES)",
            )
        try:
            with _clickhouse_errors(), chdb.connect(self._address) as connection:
                if database:
                    connection.query(f"USE {_identifier(database)}")
                if settings:
                    connection.query(set_statement(settings))
                yield connection
        finally:
            slots.release()


def _hold(path: Path) -> IO[str]:
    """Keep other processes out: chdb's own refusal does not say why. The kernel lets go."""
    lock = (path / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise FolderInUseError(
            f"another process serves {path}: stop it, use it with CLICKHOUSE_URL, or choose "
            "another folder"
        ) from error
    return lock


def _outcome(result: Any, format_name: str, body: bytes | BinaryIO) -> Outcome:
    return Outcome(
        format=format_name,
        body=body,
        read_rows=result.rows_read(),
        read_bytes=result.bytes_read(),
        elapsed_s=result.elapsed(),
    )


def _identifier(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


@contextmanager
def _told_failures(connection: Any) -> Iterator[None]:
    """Raise what chdb keeps to itself: an insert or a result file that could not be written.

    Its counters of errors are everybody's: another's failure may be taken for this one's. Then the
    statement is run again, which an insert of keyed rows can bear, and a loss could not be mended.
    """
    before = _failures(connection)
    yield
    for code, (count, name, message) in _failures(connection).items():
        if count > before.get(code, (0, "", ""))[0]:
            raise ClickHouseError(code, f"{message}. ({name})")


def _failures(connection: Any) -> dict[int, tuple[int, str, str]]:
    """Errors that may lie behind a write that was lost: how often, by code."""
    rows = connection.query(_FAILURES, "JSONCompactEachRow").bytes().splitlines()
    told = (json.loads(row) for row in rows)
    return {int(code): (int(count), name, message) for code, count, name, message in told}


@contextmanager
def _clickhouse_errors() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, chdb.ChdbError) as error:
        raise error_from_chdb(error) from error
