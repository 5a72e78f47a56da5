"""A point in time as people write it: `30m`, `2h`, `7d` ago, or an ISO time."""

from __future__ import annotations

import re
from datetime import datetime

import typer

_AGO = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def since_ms(text: str | None, now_s: float) -> int:
    """Unix milliseconds of a point in time; 0 where none is named.

    Raises typer.BadParameter where it is no time.
    """
    if text is None:
        return 0
    ago = _AGO.fullmatch(text)
    if ago:
        return int((now_s - int(ago[1]) * _SECONDS[ago[2]]) * 1000)
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time: write 30m, 2h, 7d, or 2026-03-01T08:00"
        ) from None
