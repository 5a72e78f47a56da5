"""Golden examples: bytes, readable form and schema ids stay what they were."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from fastavro import parse_schema, schemaless_reader
from fastavro.read import SchemaResolutionError

from schemas.codec import HEAD_BYTES, decode, encode
from schemas.golden import __main__ as golden
from schemas.golden.readable import readable
from schemas.registry import AVRO_DIR, PAST_DIR, load_dir, packaged
from schemas.vendors import PROFILES_DIR

REGISTRY = packaged().with_dir(PROFILES_DIR)
SCHEMAS = (*load_dir(AVRO_DIR), *load_dir(PROFILES_DIR))
RENEW = "run `python -m schemas.golden` if the schema was meant to change"
PAST = sorted(PAST_DIR.glob("*.bin"))


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_every_schema_has_an_example_that_decodes_to_its_readable_form(schema):
    data = (golden.FOLDER / f"{schema.name}.bin").read_bytes()
    described = json.loads((golden.FOLDER / f"{schema.name}.json").read_text())
    assert described["id"] == schema.id, RENEW
    assert described["document"] == schema.document
    found, value = decode(data, REGISTRY)
    assert found.name == schema.name
    assert json.loads(json.dumps(readable(found, value))) == described["value"]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_encoding_again_gives_the_bytes(schema):
    data = (golden.FOLDER / f"{schema.name}.bin").read_bytes()
    assert encode(schema, decode(data, REGISTRY)[1]) == data


def test_no_example_is_left_without_a_schema():
    names = {path.stem for path in golden.FOLDER.glob("*.bin")}
    assert names == {schema.name for schema in SCHEMAS}


@pytest.mark.parametrize("path", PAST, ids=lambda path: path.stem)
def test_todays_schema_reads_every_example_ever_written(path: Path):
    described = json.loads(path.with_suffix(".json").read_text())
    if described["kind"] == "avro":
        today = REGISTRY.named(described["schema"])
        assert reads(described["document"], today.document, path)
        if today in load_dir(AVRO_DIR):
            found, value = decode(path.read_bytes(), REGISTRY)
            assert found.name == today.name
            assert value.keys() == {field["name"] for field in today.document["fields"]}


def reads(writer, reader, path: Path):
    source = BytesIO(path.read_bytes()[HEAD_BYTES:])
    return schemaless_reader(source, parse_schema(writer), parse_schema(reader))


def record(*fields):
    return {"type": "record", "name": "R", "fields": list(fields)}


OLD = record({"name": "a", "type": "int"})


@pytest.mark.parametrize(
    ("reader", "compatible"),
    [
        (record({"name": "a", "type": "int"}, {"name": "b", "type": "int", "default": 7}), True),
        (record({"name": "a", "type": "long"}), True),
        (record({"name": "a", "type": "int"}, {"name": "b", "type": "int"}), False),
        (record({"name": "a", "type": "string"}), False),
    ],
)
def test_the_rule_accepts_what_old_data_can_fill_and_nothing_else(tmp_path, reader, compatible):
    path = tmp_path / "old.bin"
    path.write_bytes(b"\x00" * HEAD_BYTES + b"\x0a")
    if compatible:
        assert reads(OLD, reader, path)["a"] == 5
    else:
        with pytest.raises(SchemaResolutionError):
            reads(OLD, reader, path)
