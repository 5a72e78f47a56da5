"""Questions about quality that ClickHouse answers: one SQL file each, asked since a log time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

FOLDER = Path(__file__).with_name("questions")


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        name: of its file.
        title: in words; the file's first line.
        note: what its columns mean; the comment behind the title.
        sql: the statement, with the parameter `since_ms`, Unix ms of log time.
    """

    name: str
    title: str
    note: str
    sql: str


@dataclass(frozen=True)
class Answer:
    """Columns and rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def documents(self) -> list[dict[str, Any]]:
        """Rows as plain data."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@cache
def questions() -> Mapping[str, Question]:
    """All questions, by name."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.sql"))}


def ask(client: Client, name: str, since_ms: int) -> Answer:
    """Ask one of them.

    Raises:
        KeyError: there is no such question.
        clickhouse_connect.driver.exceptions.Error: ClickHouse does not answer.
    """
    found = client.query(questions()[name].sql, parameters={"since_ms": since_ms})
    return Answer(tuple(found.column_names), [tuple(row) for row in found.result_rows])


def _read(path: Path) -> Question:
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    sql = "\n".join(line for line in lines if not line.startswith("--"))
    return Question(path.stem, comment[0], " ".join(comment[1:]), sql)
