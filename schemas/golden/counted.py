"""Small values made from a schema alone: two of everything, numbers counted up."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np

from schemas.blocks import block_fields
from schemas.registry import Schema

FRAMES = 2


def counted_example(schema: Schema) -> dict[str, Any]:
    """A value of two frames; every number differs from its neighbours."""
    numbers = count(1)
    if schema.kind == "json":
        properties = schema.document["properties"]
        return {name: _json(part, numbers) for name, part in properties.items()}
    blocks = block_fields(schema.document)
    value: dict[str, Any] = {}
    for field in schema.document["fields"]:
        name = field["name"]
        if name in blocks:
            block = blocks[name]
            steps = np.arange(FRAMES * block.columns) * 0.25 + next(numbers)
            value[name] = steps.astype(block.dtype).tobytes()
        else:
            value[name] = _avro(field["type"], numbers)
    return value


def _json(part: Mapping[str, Any], numbers: count[int]) -> Any:
    if part["type"] == "array":
        return [_json(part["items"], numbers) for _ in range(FRAMES)]
    return next(numbers) * 0.25


def _avro(kind: Any, numbers: count[int]) -> Any:
    if isinstance(kind, list):
        return None if next(numbers) % 2 else _avro(kind[-1], numbers)
    if isinstance(kind, Mapping):
        if kind["type"] == "enum":
            return kind["symbols"][0]
        if kind["type"] == "array":
            return [_avro(kind["items"], numbers) for _ in range(FRAMES)]
        if kind["type"] == "map":
            return {f"key {n}": _avro(kind["values"], numbers) for n in range(FRAMES)}
        if kind["type"] == "record":
            return {field["name"]: _avro(field["type"], numbers) for field in kind["fields"]}
        return _avro(kind["type"], numbers)
    if kind == "boolean":
        return next(numbers) % 2 == 0
    if kind in ("float", "double"):
        return next(numbers) * 0.25
    if kind in ("int", "long"):
        return next(numbers)
    return b"\x00\x01" if kind == "bytes" else f"text {next(numbers)}"
