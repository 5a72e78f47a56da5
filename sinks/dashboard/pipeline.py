"""Whether anything is late or lost: delays by stage, flow by maker, refusals, audit, processes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import orjson

from sinks.dashboard.board import Board
from sinks.dashboard.feed import Document
from sinks.dashboard.flow import Flow
from sinks.dashboard.records import Records

AUDIT_FILE = "audit-last.json"
"""What the running audit found last, in the stack's folder."""

STACK_FILE = "stack.json"
"""Which processes run, in the stack's folder."""

LETTERS_EVERY_S = 5.0
SHOWN_LETTERS = 30


class Pipeline:
    """Gathers what the pipeline page shows.

    Args:
        board: refusals and delays.
        flow: the broker's offsets; None without a broker.
        records: ClickHouse.
        home: the stack's folder.
    """

    def __init__(self, board: Board, flow: Flow | None, records: Records, home: Path) -> None:
        self._board = board
        self._flow = flow
        self._records = records
        self._home = home
        self._letters: Document = {}
        self._letters_at = float("-inf")

    def document(self, now_s: float) -> Document:
        """The page's document at this time."""
        if time.monotonic() >= self._letters_at + LETTERS_EVERY_S:
            self._letters = self._records.letters(now_s)
            self._letters_at = time.monotonic()
        recent = self._board.recent_letters(SHOWN_LETTERS)
        return {
            "now": int(now_s * 1_000),
            "stages": self._board.stages(int(now_s * 1_000)),
            "flow": self._flow.look() if self._flow else {"away": "no broker"},
            "letters": self._letters,
            "recent": recent,
            "audit": _read(self._home / AUDIT_FILE),
            "processes": _processes(_read(self._home / STACK_FILE)),
        }


def _processes(stack: Any) -> list[Document]:
    """Name, whether it runs, restarts, last exit; empty where no supervisor tells."""
    told = ("name", "restarts", "last_exit", "started_at")
    found = stack.get("processes", []) if isinstance(stack, dict) else []
    return [{**{n: one[n] for n in told}, "running": one["pid"] is not None} for one in found]


def _read(path: Path) -> Any:
    """A JSON file that another process replaces whole; None where there is none."""
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
