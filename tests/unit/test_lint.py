"""Schemas that could harm their reader are refused when loaded."""

from __future__ import annotations

import json

import pytest

from schemas.lint import UnsafeSchemaError, lint_avro
from schemas.registry import load_schema


def record(name, *types):
    fields = [{"name": f"f{n}", "type": kind} for n, kind in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def nested(depth):
    kind = "int"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return record("Deep", kind)


@pytest.mark.parametrize(
    "document",
    [
        record("Loop", ["null", "Loop"]),
        record("Loop", {"type": "array", "items": "kinebus.Loop"}),
        record("Outer", record("Inner", ["null", "Outer"])),
        record("Free", {"type": "array", "items": "null"}),
        record("Free", {"type": "array", "items": record("Empty")}),
        record("Free", {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}),
        record("Nobody", "Stranger"),
        nested(8),
    ],
    ids=[
        "recursive", "recursive by full name", "recursive through another", "array of null",
        "array of empty records", "array of fixed 0", "unknown type", "too deep",
    ],
)  # fmt: skip
def test_unsafe_schemas_are_refused(document):
    with pytest.raises(UnsafeSchemaError):
        lint_avro(document)


@pytest.mark.parametrize(
    "document",
    [
        record("Plain", "int", ["null", "bytes"], {"type": "map", "values": "double"}),
        record("Twice", record("Part", "int"), "Part", {"type": "array", "items": "Part"}),
        record("Union", {"type": "array", "items": ["null", "int"]}),
        nested(6),
    ],
    ids=["plain", "a name used again", "array of a union", "deep enough"],
)
def test_safe_schemas_pass(document):
    lint_avro(document)


def test_loading_a_file_checks_it(tmp_path):
    path = tmp_path / "raw_evil.avsc"
    path.write_text(json.dumps(record("Loop", ["null", "Loop"])))
    with pytest.raises(UnsafeSchemaError):
        load_schema(path)
