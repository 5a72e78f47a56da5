"""Raw records as a Parquet object and back, with nothing changed: null is null, empty is empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.headers import Headers
from sinks.parquet import document_of, write_parquet
from sinks.record import Place, Record

VERSION = 1
_HEADER = pa.struct([("name", pa.string()), ("value", pa.binary())])
SCHEMA = pa.schema(
    [
        ("offset", pa.int64()),
        ("timestamp_ms", pa.int64()),
        ("timestamp_type", pa.int8()),
        ("key", pa.binary()),
        ("headers", pa.list_(_HEADER)),
        ("value", pa.binary()),
    ]
)


def encode_range(records: Sequence[Record]) -> bytes:
    """The object of one or more records of one partition."""
    place = records[0].place
    told = {
        "version": VERSION,
        "topic": place.topic,
        "partition": place.partition,
        "first_offset": records[0].offset,
        "last_offset": records[-1].offset,
        "records": len(records),
    }
    columns = [
        pa.array([r.offset for r in records], pa.int64()),
        pa.array([r.timestamp_ms for r in records], pa.int64()),
        pa.array([r.timestamp_type for r in records], pa.int8()),
        pa.array([r.key for r in records], pa.binary()),
        _headers([r.headers for r in records]),
        pa.array([r.value for r in records], pa.binary()),
    ]
    return write_parquet(
        pa.Table.from_arrays(columns, schema=SCHEMA),
        told,
        compression="zstd",
        compression_level=1,
        use_dictionary=["key", "timestamp_type", "headers.list.element.name"],
        column_encoding={
            "offset": "DELTA_BINARY_PACKED",
            "timestamp_ms": "DELTA_BINARY_PACKED",
        },
        write_statistics=["offset", "timestamp_ms"],
    )


def decode_range(data: bytes) -> Iterator[Record]:
    """The records of an object, in order."""
    file = pq.ParquetFile(pa.BufferReader(data))
    told = document_of(file.metadata)
    place = Place(told["topic"], told["partition"])
    for row in file.read().to_pylist():
        yield Record(
            place,
            row["offset"],
            row["timestamp_type"],
            row["timestamp_ms"],
            row["key"],
            _pairs(row["headers"]),
            row["value"],
        )


def decode_heads(data: bytes) -> Iterator[tuple[int, int, Headers | None]]:
    """Offset, time and headers of an object's records, in order; no value is read."""
    file = pq.ParquetFile(pa.BufferReader(data))
    for row in file.read(columns=["offset", "timestamp_ms", "headers"]).to_pylist():
        yield row["offset"], row["timestamp_ms"], _pairs(row["headers"])


def last_ms(metadata: pq.FileMetaData) -> int:
    """The latest log time in an object, from its metadata."""
    column = SCHEMA.names.index("timestamp_ms")
    return int(metadata.row_group(0).column(column).statistics.max)


def _pairs(headers: list[dict[str, Any]] | None) -> Headers | None:
    return None if headers is None else [(one["name"], one["value"]) for one in headers]


def last_offset(metadata: pq.FileMetaData) -> int:
    """The last offset in an object, from its metadata."""
    return int(document_of(metadata)["last_offset"])


def _headers(all_headers: Sequence[Headers | None]) -> pa.ListArray:
    flat = [header for headers in all_headers for header in headers or ()]
    lengths = [len(headers or ()) for headers in all_headers]
    offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int32))).astype(np.int32)
    items = pa.StructArray.from_arrays(
        [
            pa.array([name for name, _ in flat], pa.string()),
            pa.array([value for _, value in flat], pa.binary()),
        ],
        fields=list(_HEADER),
    )
    missing = pa.array([headers is None for headers in all_headers])
    return pa.ListArray.from_arrays(pa.array(offsets), items, mask=missing)
