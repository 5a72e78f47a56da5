"""Keeps the logs of long-running processes within a bound."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MAX_LOG_BYTES = 8 * 1024 * 1024


def bound_log(log: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
    """Move a log that has grown too long to `<name>.log.1` and let it begin anew.

    It is copied and cut, for its writer keeps the file open (in append mode, so it goes on at the
    new end). Lines written between copy and cut are lost.
    """
    with suppress(FileNotFoundError):
        if log.stat().st_size <= max_bytes:
            return
        with log.open("rb") as file:
            file.seek(-max_bytes, os.SEEK_END)
            log.with_name(f"{log.name}.1").write_bytes(file.read())
        os.truncate(log, 0)
