"""Blocks: numbers as bytes in an Avro field whose `dtype` and `columns` say how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from schemas.limits import MAX_BLOCK_VALUE_BYTES, MAX_JSON_VALUE_BYTES
from schemas.registry import Schema

_CONTAINERS = ("array", "map", "record")


class Block(NamedTuple):
    """How a field's bytes are read: rows of `columns` numbers, one row a frame."""

    dtype: np.dtype[Any]
    columns: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one frame."""
        return self.dtype.itemsize * self.columns


def block_fields(document: Mapping[str, Any]) -> dict[str, Block]:
    """The fields of an Avro record that are blocks, in its order."""
    return {
        field["name"]: Block(np.dtype(field["dtype"]), int(field["columns"]))
        for field in document.get("fields", ())
        if "dtype" in field and "columns" in field
    }


def block_array(block: Block, data: bytes) -> NDArray[Any]:
    """A block as numbers, without copying them. Returns [T, K], or [T] for one column.

    Raises ValueError where the bytes are not a whole number of rows.
    """
    array = np.frombuffer(data, block.dtype)
    return array if block.columns == 1 else array.reshape(-1, block.columns)


def block_bytes(block: Block, rows: ArrayLike) -> bytes:
    """Numbers as a block.

    rows: [T, K], [T] for one column, or one frame of either. Raises ValueError where they are not
    whole rows, or where the block's type would change their kind.
    """
    array = np.asarray(rows)
    if array.dtype != block.dtype:
        if not np.can_cast(array.dtype, block.dtype, "same_kind"):
            raise ValueError(f"{array.dtype} does not fit into a block of {block.dtype}")
        array = array.astype(block.dtype)
    if (array.ndim > 1 and array.shape[-1] != block.columns) or array.size % block.columns:
        raise ValueError(f"shape {array.shape} is not rows of {block.columns}")
    return array.tobytes()


def is_block_record(schema: Schema) -> bool:
    """Whether a value is made of blocks and single numbers, so that its size is bounded by them."""
    return schema.kind == "avro" and not any(
        _has_container(field["type"]) for field in schema.document["fields"]
    )


def max_value_bytes(schema: Schema) -> int:
    """How large a raw value of this schema may be, Confluent's frame included."""
    return MAX_BLOCK_VALUE_BYTES if is_block_record(schema) else MAX_JSON_VALUE_BYTES


def _has_container(kind: Any) -> bool:
    if isinstance(kind, list):
        return any(_has_container(branch) for branch in kind)
    if isinstance(kind, Mapping):
        return kind["type"] in _CONTAINERS or _has_container(kind["type"])
    return kind in _CONTAINERS
