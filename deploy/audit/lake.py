"""The object store as the audit reads it: lineage columns of every segment, and all manifests.

Of a segment only the footer and the columns asked for are fetched.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import obstore
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from obstore.store import LocalStore, ObjectStore, from_url

from deploy.audit.raw import I64, Place

READERS = 4
_NOTHING = np.empty(0, np.int64)
LINEAGE = ("frame", "source_offset")


@dataclass(frozen=True)
class SegmentFile:
    """A segment as it lies in the store.

    Attributes:
        key: its object.
        size: in bytes.
        processing_id: what made its frames.
        place: the raw partition they come from.
        frames: its rows.
        runs: raw offset, first frame and number of frames that follow each other. [R, 3]
    """

    key: str
    size: int
    processing_id: str
    place: Place
    frames: int
    runs: I64

    @property
    def folder(self) -> str:
        """Where its episode's manifest would lie."""
        return self.key.rsplit("/", 1)[0]


def audited_store(url: str) -> ObjectStore:
    """The store of a URL: a folder, `file://`, or anything that obstore knows."""
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return LocalStore(Path(parts.path), mkdir=True)
    return from_url(url, client_options={"allow_http": True})


def objects(store: ObjectStore, prefix: str) -> tuple[dict[str, int], dict[str, float]]:
    """Sizes of all objects below a prefix by key, and when they were put (Unix s)."""
    items = [item for page in obstore.list(store, prefix) for item in page]
    sizes = {item["path"]: item["size"] for item in items}
    return sizes, {item["path"]: item["last_modified"].timestamp() for item in items}


def segments(store: ObjectStore, found: dict[str, int]) -> Iterator[SegmentFile]:
    """Every segment among these objects, with its lineage."""
    keys = sorted(key for key in found if key.endswith(".parquet"))
    with ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(lambda key: _lineage(store, key, found[key]), keys)


def _lineage(store: ObjectStore, key: str, size: int) -> SegmentFile:
    told, rows = read_segment(store, key, size, LINEAGE)
    frame, offset = (rows[name].to_numpy() for name in LINEAGE)
    source = told["segment"]
    place = (source["source_topic"], source["source_partition"])
    return SegmentFile(
        key, size, told["processing_id"], place, rows.num_rows, runs_of(frame, offset)
    )


def runs_of(frame: I64, source_offset: I64) -> I64:
    """Raw offset, first frame and number of frames that follow each other and share it. [R, 3]."""
    ends = (np.diff(frame) != 1) | (np.diff(source_offset) != 0)
    begins = np.concatenate(([0], np.flatnonzero(ends) + 1)) if len(frame) else _NOTHING
    counts = np.diff(begins, append=len(frame))
    return np.stack([source_offset[begins], frame[begins], counts], axis=1).astype(np.int64)


def read_segment(
    store: ObjectStore, key: str, size: int, columns: Sequence[str] | None = None
) -> tuple[dict[str, Any], pa.Table]:
    """What a segment's footer says of it, and its rows; `columns` None for all of them."""
    file = pq.ParquetFile(pa.PythonFile(_Ranges(store, key, size), mode="r"))
    document = orjson.loads(file.metadata.metadata[b"kinebus"])
    rows = file.read(columns=None if columns is None else list(columns), use_threads=False)
    return document, rows


def manifests(store: ObjectStore, found: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Every manifest, by the folder it speaks of."""
    keys = sorted(key for key in found if key.endswith("/manifest.json"))
    with ThreadPoolExecutor(READERS) as pool:
        bodies = pool.map(lambda key: bytes(obstore.get(store, key).bytes()), keys)
        return {
            key.rsplit("/", 1)[0]: orjson.loads(body)
            for key, body in zip(keys, bodies, strict=True)
        }


def archived(
    store: ObjectStore, place: Place, start: int, stop: int
) -> Iterator[tuple[int, list[tuple[str, bytes | None]] | None, bytes | None, int]]:
    """Offset, headers, value and log time of archived raw records with start ≤ offset < stop."""
    topic, partition = place
    found, _ = objects(store, f"raw/{topic}/{partition:05d}")
    firsts = {int(Path(key).stem): key for key in found}
    ordered = sorted(firsts)
    for i, first in enumerate(ordered):
        behind = ordered[i + 1] if i + 1 < len(ordered) else stop
        if behind <= start or first >= stop:
            continue
        key = firsts[first]
        file = pq.ParquetFile(pa.PythonFile(_Ranges(store, key, found[key]), mode="r"))
        for row in file.read(columns=["offset", "headers", "value", "timestamp_ms"]).to_pylist():
            if start <= row["offset"] < stop:
                headers = row["headers"]
                pairs = None if headers is None else [(h["name"], h["value"]) for h in headers]
                yield row["offset"], pairs, row["value"], row["timestamp_ms"]


def by_folder(files: Sequence[SegmentFile]) -> dict[str, list[SegmentFile]]:
    """Segments by their folder."""
    folders = defaultdict(list)
    for file in files:
        folders[file.folder].append(file)
    return dict(folders)


class _Ranges(io.RawIOBase):
    """An object as a file that fetches what is read; its end is fetched once, with the footer."""

    _TAIL = 64 * 1024

    def __init__(self, store: ObjectStore, key: str, size: int) -> None:
        self._store = store
        self._key = key
        self._size = size
        self._at = 0
        self._tail_at = max(size - self._TAIL, 0)
        self._tail = self._fetch(self._tail_at, size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, count: int | None = -1) -> bytes:
        stop = self._size if count is None or count < 0 else min(self._at + count, self._size)
        start, self._at = self._at, max(stop, self._at)
        if start >= stop:
            return b""
        if start >= self._tail_at:
            return self._tail[start - self._tail_at : stop - self._tail_at]
        return self._fetch(start, stop)

    def _fetch(self, start: int, stop: int) -> bytes:
        return bytes(obstore.get_range(self._store, self._key, start=start, end=stop))
