"""Shows a decoded value as JSON that a person can check: blocks as numbers, other bytes in hex."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from schemas.registry import Schema


def readable(schema: Schema, value: Any) -> Any:
    """A value as plain JSON types."""
    dtypes = {
        field["name"]: field["dtype"]
        for field in schema.document.get("fields", ())
        if "dtype" in field
    }
    if not isinstance(value, Mapping):
        return _plain(value, None)
    dtypes |= {"t_source": value["t_source_dtype"]} if value.get("t_source_dtype") else {}
    return {name: _plain(part, dtypes.get(name)) for name, part in value.items()}


def _plain(value: Any, dtype: str | None) -> Any:
    if isinstance(value, bytes):
        if dtype is None:
            return f"0x{value.hex()}"
        return {"dtype": dtype, "values": _plain(np.frombuffer(value, dtype).tolist(), None)}
    if isinstance(value, Mapping):
        return {name: _plain(part, None) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, None) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
