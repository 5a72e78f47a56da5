"""A second database in which tables are filled before they take the place of the first one's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clickhouse_connect.driver.client import Client

from sinks.clickhouse.client import connect_created
from sinks.clickhouse.migrate import migrate

_STATE = """
CREATE TABLE IF NOT EXISTS rebuild_state (name String, value String)
ENGINE = ReplacingMergeTree ORDER BY name
"""
_READY = "rebuilt"
"""The comment of a table that is filled; it goes with the table when tables change places."""

TABLES = (
    "frames", "boundaries", "episode_events", "episode_labels", "processings", "findings",
    "dead_letters",
)  # fmt: skip
"""What a rebuild restores; the ledger of migrations is made by migrating."""


ROLLUPS = (
    "quality_chunks", "quality_findings", "rollup_due", "robot_seconds", "robot_minutes",
    "check_minutes",
)  # fmt: skip
"""What follows from those by itself as they are filled, and changes places with them."""


class Beside:
    """The database `<name>_rebuild`, and how far it is filled."""

    def __init__(self, url: str, database: str) -> None:
        self._name = f"{database}_rebuild"
        self._main = connect_created(url, database)
        self._database = database
        migrate(self._main)
        self.client = connect_created(url, self._name)
        migrate(self.client)
        self.client.command(_STATE)

    @property
    def main(self) -> Client:
        """A client of the database that is rebuilt."""
        return self._main

    def state(self) -> dict[str, str]:
        """What was noted, by name."""
        rows = self.client.query("SELECT name, value FROM rebuild_state FINAL").result_rows
        return {str(name): str(value) for name, value in rows}

    def note(self, facts: Mapping[str, str]) -> None:
        """Note facts, so that a rebuild that is broken off goes on where it was."""
        rows = [list(fact) for fact in facts.items()]
        if rows:
            self.client.insert("rebuild_state", rows, column_names=["name", "value"])

    def rows(self, tables: Iterable[str] = TABLES) -> dict[str, int]:
        """Rows of each table, each once."""
        return {
            name: int(self.client.query(f"SELECT count() FROM {name} FINAL").result_rows[0][0])
            for name in tables
        }

    def swap(self) -> None:
        """Every table that is filled takes the place of the old one, one after the other.

        A swap that is broken off is gone on with: a table that stands here without its comment has
        changed places already.
        """
        if "filled" not in self.state():
            for name in (*TABLES, *ROLLUPS):
                self.client.command(f"ALTER TABLE {name} MODIFY COMMENT '{_READY}'")
            self.note({"filled": "yes"})
        for name in (*TABLES, *ROLLUPS):
            if self._comment(name) == _READY:
                here, there = f"{self._name}.{name}", f"{self._database}.{name}"
                self.client.command(f"EXCHANGE TABLES {here} AND {there}")

    def drop(self) -> None:
        """Remove what is left here: the old tables."""
        for name in (*TABLES, *ROLLUPS):
            self._main.command(f"ALTER TABLE {name} MODIFY COMMENT ''")
        self._main.command(f"DROP DATABASE IF EXISTS {self._name} SYNC")

    def close(self) -> None:
        """Close both clients."""
        self.client.close()
        self._main.close()

    def _comment(self, table: str) -> str:
        found = self.client.query(
            "SELECT comment FROM system.tables WHERE database = {d:String} AND name = {t:String}",
            parameters={"d": self._name, "t": table},
        )
        return str(found.result_rows[0][0])
