"""One Parquet file of one row group, with a document of its own in the metadata."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

_KEY = "kinebus"


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
