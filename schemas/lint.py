"""Avro schemas that a hostile payload could turn against their reader are refused when loaded.

A recursive schema with a deep payload kills fastavro's process, and an array whose items take no
bytes makes millions of them out of five: neither may ever be registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 8
_PRIMITIVES = {"boolean", "int", "long", "float", "double", "bytes", "string"}


class UnsafeSchemaError(ValueError):
    """A schema that must not be used to decode what others send."""


def lint_avro(document: Mapping[str, Any]) -> None:
    """Refuse recursion, items without size, and nesting deeper than 8."""
    _walk(document, (), {}, 0)


def _walk(node: Any, open_names: tuple[str, ...], known: dict[str, int], depth: int) -> int:
    """Check a node; returns the fewest bytes one of its values can take."""
    if depth > MAX_DEPTH:
        raise UnsafeSchemaError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(node, list):
        return 1 + min(_walk(branch, open_names, known, depth + 1) for branch in node)
    if isinstance(node, str):
        return _named(node, open_names, known)
    kind = node["type"]
    if kind == "record":
        name = node["name"]
        inside = (*open_names, name)
        size = sum(_walk(f["type"], inside, known, depth + 1) for f in node["fields"])
        known[name] = size
        return size
    if kind in ("array", "map"):
        items = node["items"] if kind == "array" else node["values"]
        if _walk(items, open_names, known, depth + 1) == 0 and kind == "array":
            raise UnsafeSchemaError("an array's items take no bytes: its length is unbounded")
        return 1
    if kind == "enum":
        known[node["name"]] = 1
        return 1
    if kind == "fixed":
        known[node["name"]] = int(node["size"])
        return int(node["size"])
    return _walk(kind, open_names, known, depth + 1)


def _named(name: str, open_names: tuple[str, ...], known: dict[str, int]) -> int:
    if name == "null":
        return 0
    if name in _PRIMITIVES:
        return 1
    short = name.rsplit(".", 1)[-1]
    if short in open_names:
        raise UnsafeSchemaError(f"{name} contains itself")
    if short not in known:
        raise UnsafeSchemaError(f"unknown type {name!r}")
    return known[short]
