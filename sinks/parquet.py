"""One Parquet file of one row group, with a document of its own in the metadata."""

from __future__ import annotations

from typing import Any

import obstore
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from obstore.store import ObjectStore

_KEY = "kinebus"
_TAIL_BYTES = 64 * 1024
_END_BYTES = 8


def write_parquet(table: pa.Table, document: dict[str, Any], **options: Any) -> bytes:
    """The file's bytes, the same for the same input.

    Arrow's own copy of the schema is left out: with hundreds of columns it outweighs the footer.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, store_schema=False, **options) as writer:
        writer.write_table(table, row_group_size=max(table.num_rows, 1))
        writer.add_key_value_metadata({_KEY: orjson.dumps(document).decode()})
    return bytes(sink.getvalue())


def document_of(metadata: pq.FileMetaData) -> dict[str, Any]:
    """The document in a file's metadata."""
    document: dict[str, Any] = orjson.loads(metadata.metadata[_KEY.encode()])
    return document


def read_footer(store: ObjectStore, key: str, size: int) -> pq.FileMetaData:
    """A file's metadata, from its last bytes alone."""
    tail = _last(store, key, size, _TAIL_BYTES)
    needed = int.from_bytes(tail[-_END_BYTES : -_END_BYTES // 2], "little") + _END_BYTES
    if needed > len(tail):
        tail = _last(store, key, size, needed)
    # Offsets in the metadata count from the file's beginning, and nothing here follows them.
    return pq.read_metadata(pa.BufferReader(tail))


def _last(store: ObjectStore, key: str, size: int, count: int) -> bytes:
    return bytes(obstore.get_range(store, key, start=max(size - count, 0), end=size))
