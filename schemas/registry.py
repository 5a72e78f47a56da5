"""Schemas by id: the packaged files are the registry; ids come from their content.

A schema's id is the first 31 bits of the SHA-256 of its canonical JSON, so every process finds
the same id without asking anyone, and two versions of a schema never share one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fastavro import parse_schema

from schemas.lint import lint_avro

AVRO_DIR = Path(__file__).parent / "avro"
PAST_DIR = Path(__file__).parent / "golden" / "past"
"""An example of every earlier version, each with the schema that wrote it."""


@dataclass(frozen=True)
class Schema:
    """A schema as it is written on the wire.

    Attributes:
        name: file stem, such as `canonical_chunk` or `raw_pollen_reachy2`.
        id: the four-byte id of Confluent's framing.
        kind: `avro` or `json`.
        document: the schema as it stands in its file.
        parsed: fastavro's form of it; empty for a JSON Schema.
        reader: fastavro's form of today's version, where this is an earlier one.
    """

    name: str
    id: int
    kind: str
    document: Mapping[str, Any]
    parsed: Any
    reader: Any = None


class UnknownSchemaError(LookupError):
    """An id or name that no packaged or configured schema has."""


class Registry:
    """Schemas by id and by name; refuses two schemas of one id.

    Args:
        schemas: in force today.
        past: earlier versions of them, which records at rest still name.
    """

    def __init__(self, schemas: tuple[Schema, ...], past: tuple[Schema, ...] = ()) -> None:
        self._by_id = {schema.id: schema for schema in schemas}
        self._by_name = {schema.name: schema for schema in schemas}
        if len(self._by_id) != len(schemas) or len(self._by_name) != len(schemas):
            raise ValueError("two schemas share an id or a name")
        self._past = {schema.id: schema for schema in past}

    @property
    def by_id(self) -> Mapping[int, Schema]:
        """Every schema, by its id."""
        return MappingProxyType(self._by_id)

    def writer(self, number: int) -> Schema | None:
        """The schema of an id, in force or past; a past one is read as today's."""
        return self._by_id.get(number) or self._past.get(number)

    def named(self, name: str) -> Schema:
        """The schema of a name."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownSchemaError(f"no schema is named {name!r}") from None

    def with_dir(self, folder: Path) -> Registry:
        """This registry and the schemas of one more folder."""
        return Registry((*self._by_id.values(), *load_dir(folder)), tuple(self._past.values()))


def load_dir(folder: Path) -> tuple[Schema, ...]:
    """Read a folder's `*.avsc` (Avro) and `*.schema.json` (JSON Schema) files."""
    return tuple(
        load_schema(path)
        for path in sorted(folder.iterdir())
        if path.name.endswith((".avsc", ".schema.json"))
    )


def load_schema(path: Path) -> Schema:
    """Read one schema file; an Avro schema that could harm its reader is refused."""
    document = json.loads(path.read_text())
    kind = "avro" if path.suffix == ".avsc" else "json"
    if kind == "avro":
        lint_avro(document)
    return Schema(
        name=path.name.split(".", 1)[0],
        id=schema_id(document),
        kind=kind,
        document=document,
        parsed=parse_schema(document) if kind == "avro" else {},
    )


def schema_id(document: Mapping[str, Any]) -> int:
    """The id of a schema: 31 bits of its content's SHA-256."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return int.from_bytes(hashlib.sha256(canonical).digest()[:4], "big") & 0x7FFFFFFF


@cache
def packaged() -> Registry:
    """The registry of the schemas that come with kinebus."""
    schemas = load_dir(AVRO_DIR)
    return Registry(schemas, load_past(schemas))


def load_past(schemas: tuple[Schema, ...]) -> tuple[Schema, ...]:
    """Earlier versions of Avro schemas, each made to be read as today's."""
    today = {schema.name: schema for schema in schemas}
    past = []
    for path in sorted(PAST_DIR.glob("*.json")):
        told = json.loads(path.read_text())
        name, document = told["schema"], told["document"]
        if name in today and told["kind"] == "avro":
            lint_avro(document)
            parsed = parse_schema(document)
            past.append(Schema(name, told["id"], "avro", document, parsed, today[name].parsed))
    return tuple(past)
