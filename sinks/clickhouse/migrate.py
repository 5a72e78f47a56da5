"""Brings a database to the newest schema: the numbered SQL files beside this one, each once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import structlog
from clickhouse_connect.driver.client import Client

MIGRATIONS_DIR = Path(__file__).with_name("migrations")

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations
(version UInt32, name String, sha256 String, applied DateTime64(3) DEFAULT now64(3))
ENGINE = ReplacingMergeTree ORDER BY version
"""
_log = structlog.get_logger()


class MigrationChangedError(RuntimeError):
    """A migration that was applied has other content now."""


@dataclass(frozen=True)
class Migration:
    """One SQL file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Of its content."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> tuple[str, ...]:
        """Its statements; each ends with a semicolon at the end of a line."""
        bare = re.sub(r"^--.*\n", "", self.sql, flags=re.M)
        return tuple(part.strip() for part in re.split(r";\s*$", bare, flags=re.M) if part.strip())


def migrations(folder: Path = MIGRATIONS_DIR) -> tuple[Migration, ...]:
    """All migrations, in order."""
    paths = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return tuple(Migration(int(p.name[:4]), p.stem, p.read_text()) for p in paths)


def migrate(client: Client) -> tuple[str, ...]:
    """Apply what is missing, in order; returns the names of what was applied.

    Every statement can be run twice, so two sinks that start together do no harm, and one that is
    killed between a migration and its entry in the ledger applies it again.
    """
    client.command(_LEDGER)
    rows = client.query("SELECT version, sha256 FROM schema_migrations FINAL").result_rows
    applied = {int(version): str(sha256) for version, sha256 in rows}
    done = []
    for migration in migrations():
        if migration.version in applied:
            if applied[migration.version] != migration.sha256:
                raise MigrationChangedError(
                    f"{migration.name} is applied with other content: add a new one instead"
                )
            continue
        for statement in migration.statements:
            client.command(statement)
        client.insert(
            "schema_migrations",
            [[migration.version, migration.name, migration.sha256]],
            column_names=["version", "name", "sha256"],
        )
        _log.info("migrated", name=migration.name)
        done.append(migration.name)
    return tuple(done)
