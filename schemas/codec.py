"""Confluent's wire format: a zero byte, the schema's id, the value; every byte accounted for."""

from __future__ import annotations

import struct
from collections.abc import Container
from io import BytesIO
from typing import Any

import orjson
from fastavro import schemaless_reader, schemaless_writer

from schemas.registry import Registry, Schema

_HEAD = struct.Struct(">bI")
HEAD_BYTES = _HEAD.size


class CodecError(ValueError):
    """A value that is not what its frame says."""


class UnknownIdError(CodecError):
    """A frame that names a schema nobody registered."""


class TruncatedError(CodecError):
    """A value that ends before its schema does."""


def encode(schema: Schema, value: Any) -> bytes:
    """A value in Confluent's frame, as its schema says: Avro, or JSON."""
    head = frame_head(schema)
    if schema.kind == "json":
        return head + orjson.dumps(value)
    out = BytesIO()
    out.write(head)
    schemaless_writer(out, schema.parsed, value)
    return out.getvalue()


def frame_head(schema: Schema) -> bytes:
    """The first `HEAD_BYTES` of every value of a schema."""
    return _HEAD.pack(0, schema.id)


def schema_of(data: bytes, registry: Registry) -> Schema:
    """The schema a framed value names."""
    if len(data) < HEAD_BYTES:
        raise TruncatedError(f"{len(data)} bytes are shorter than Confluent's frame")
    magic, number = _HEAD.unpack_from(data)
    if magic != 0:
        raise CodecError(f"first byte is {magic}, not Confluent's 0")
    schema = registry.writer(number)
    if schema is None:
        raise UnknownIdError(f"no schema has the id {number}")
    return schema


def decode(data: bytes, registry: Registry) -> tuple[Schema, Any]:
    """Read a framed value; raises CodecError when it is not exactly one value of its schema."""
    schema = schema_of(data, registry)
    return schema, decode_body(data, schema)


def decode_one_of(data: bytes, registry: Registry, names: Container[str]) -> tuple[Schema, Any]:
    """Read a framed value of one of these schemas; raises CodecError when it is none."""
    schema = schema_of(data, registry)
    if schema.name not in names:
        raise CodecError(f"a value of {schema.name}, which does not belong here")
    return schema, decode_body(data, schema)


def decode_body(data: bytes, schema: Schema) -> Any:
    """Read the value behind the frame with a schema that is already known."""
    if schema.kind == "json":
        try:
            return orjson.loads(memoryview(data)[HEAD_BYTES:])
        except orjson.JSONDecodeError as error:
            raise TruncatedError(f"not JSON: {error}") from None
    source = BytesIO(data)
    source.seek(HEAD_BYTES)
    try:
        value = schemaless_reader(source, schema.parsed, schema.reader)
    except EOFError:
        raise TruncatedError("the value ends before its schema does") from None
    except (ValueError, IndexError, KeyError, OverflowError, TypeError, MemoryError) as error:
        raise CodecError(f"not a value of {schema.name}: {error}") from None
    if source.tell() != len(data):
        raise CodecError(f"{len(data) - source.tell()} bytes are left over after the value")
    return value
