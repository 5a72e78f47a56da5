"""A take in the vendor's own form that can be changed: signals in SI come out and go back in."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from producers.fleet.vendor_form import signal_values
from producers.recordings.recording import RecordedChunk, spans
from schemas.blocks import block_fields
from schemas.profile import CLOCK_NS, Source
from schemas.vendors import Vendor
from streams.layout import Fields, column_fields, compile_signals, json_fields
from streams.sparse import compile_sparse

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class RawTake:
    """N frames of one robot as its vendor writes them.

    Attributes:
        vendor: whose they are.
        columns: fields with a row a frame, [N, K] in the vendor's own numeric type.
        constants: fields that stand once in a chunk.
        sparse: N frames of the sparse layout, None in the other.
        index: [N] each frame's index in the session; a jump = chunks that were never sent.
    """

    vendor: Vendor
    columns: Mapping[str, NDArray[Any]]
    constants: Mapping[str, Any]
    sparse: tuple[dict[str, Any], ...] | None
    index: I64

    @property
    def frames(self) -> int:
        """N."""
        return len(self.index)

    @property
    def channels(self) -> tuple[str, ...]:
        """Native names, in the robot's order."""
        return self.vendor.profile.channel_names

    def signal(self, name: str) -> F64 | None:
        """A signal as [N, C] in SI units, NaN where there is no number; None = not reported."""
        signal = compile_signals(self.vendor.profile).get(name)
        return None if signal is None else signal.gather(self._fields())

    def with_signal(self, name: str, values: F64) -> RawTake:
        """A take whose signal is another where `values` differ. values: [N, C] SI."""
        before = self.signal(name)
        if before is None:
            raise ValueError(f"{self.vendor.profile.id} reports no {name}")
        changed = ~((values == before) | (np.isnan(values) & np.isnan(before)))
        take = self
        first = 0
        for group in self.vendor.profile.groups:
            own = slice(first, first + len(group.channels))
            first = own.stop
            source: Source | None = getattr(group, name)
            if source is None or not changed[:, own].any():
                continue
            raw = signal_values(group, name, values[:, own])
            if take.sparse is not None:
                take = take._with_entries(source, group.ids, raw, changed[:, own])
            else:
                take = take._with_columns(source, raw, changed[:, own])
        return take

    def field(self, source: Source) -> F64:
        """A field's columns as they stand, [N, K] in the vendor's units."""
        start, stop = source.columns or (0, None)
        return self.columns[source.field][:, start:stop].astype(np.float64)

    def with_field(self, source: Source, values: F64) -> RawTake:
        """A take with other numbers in a field. values: [N, K] in the vendor's units."""
        return self._with_columns(source, values, np.ones(values.shape, bool))

    @property
    def stamp_ns(self) -> I64 | None:
        """[N] the vendor's stamps in ns; None without a clock."""
        clock = self.vendor.profile.clock
        if clock.field is None:
            return None
        unit_ns = CLOCK_NS[clock.unit]
        if self.sparse is not None:
            return np.array([frame[clock.field] for frame in self.sparse], np.int64) * unit_ns
        stamps = self.columns[clock.field][:, 0]
        if stamps.dtype.kind == "f":
            return np.rint(stamps.astype(np.float64) * unit_ns).astype(np.int64)
        return stamps.astype(np.int64) * unit_ns

    def with_stamps(self, stamp_ns: I64) -> RawTake:
        """A take with other stamps. stamp_ns: [N]."""
        clock = self.vendor.profile.clock
        if clock.field is None:
            raise ValueError(f"{self.vendor.profile.id} has no clock")
        unit_ns = CLOCK_NS[clock.unit]
        if self.sparse is not None:
            frames = zip(self.sparse, (stamp_ns // unit_ns).tolist(), strict=True)
            return replace(self, sparse=tuple({**f, clock.field: s} for f, s in frames))
        column = self.columns[clock.field]
        counted = stamp_ns / unit_ns if column.dtype.kind == "f" else stamp_ns // unit_ns
        return replace(
            self, columns={**self.columns, clock.field: counted.astype(column.dtype)[:, None]}
        )

    def rows(self, rows: I64, index: I64 | None = None) -> RawTake:
        """Frames in another order, with some left out or twice; `index` is theirs in the session.

        Without `index` they are counted through: the robot itself never had the missing ones.
        """
        return RawTake(
            self.vendor,
            {name: column[rows] for name, column in self.columns.items()},
            self.constants,
            None if self.sparse is None else tuple(self.sparse[row] for row in rows.tolist()),
            np.arange(len(rows)) if index is None else index,
        )

    def chunks(self, size: int) -> Iterator[tuple[int, RecordedChunk]]:
        """Index of the first frame, and the frames as the vendor sends them."""
        cuts = np.flatnonzero(np.diff(self.index) != 1) + 1
        stamps = self.stamp_ns
        if stamps is None:
            stamps = (self.index * (1e9 / self.vendor.profile.rate_hz)).astype(np.int64)
        for start, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), self.frames], strict=True):
            for a, b in spans(stop - start, size):
                part = slice(start + a, start + b)
                end_s = float(stamps[part.stop - 1] - stamps[0]) / 1e9
                yield int(self.index[part.start]), RecordedChunk(self._value(part), b - a, end_s)

    def _value(self, part: slice) -> dict[str, Any]:
        value: dict[str, Any] = dict(self.constants)
        if self.sparse is not None:
            assert self.vendor.profile.sparse is not None
            return {**value, self.vendor.profile.sparse.frames: list(self.sparse[part])}
        if self.vendor.schema.kind == "avro":
            return value | {name: c[part].tobytes() for name, c in self.columns.items()}
        return value | {name: self._json(name, c[part]) for name, c in self.columns.items()}

    def _json(self, name: str, rows: NDArray[Any]) -> list[Any]:
        nested = self.vendor.schema.document["properties"][name]["items"].get("type") == "array"
        listed = [[None if v != v else v for v in row] for row in rows.tolist()]
        return listed if nested else [row[0] for row in listed]

    def _fields(self) -> Fields:
        reader = compile_sparse(self.vendor.profile)
        if reader is None:
            return self.columns
        return reader.fields({**self.constants, reader.frames: self.sparse}, self.frames)

    def _with_columns(self, source: Source, raw: F64, changed: NDArray[np.bool_]) -> RawTake:
        column = self.columns[source.field].copy()
        start, stop = source.columns or (0, None)
        part = column[:, start:stop]
        with np.errstate(invalid="ignore"):
            part[changed] = raw[changed].astype(column.dtype)
        return replace(self, columns={**self.columns, source.field: column})

    def _with_entries(
        self, source: Source, ids: tuple[int, ...], raw: F64, changed: NDArray[np.bool_]
    ) -> RawTake:
        sparse = self.vendor.profile.sparse
        assert sparse is not None
        assert self.sparse is not None
        place = {number: k for k, number in enumerate(ids)}
        frames = list(self.sparse)
        for t in np.flatnonzero(changed.any(axis=1)).tolist():
            frames[t] = copy.deepcopy(frames[t])
            for entry in frames[t][source.entries or sparse.entries]:
                k = place.get(entry[sparse.id])
                if k is not None and changed[t, k]:
                    entry[source.field] = float(raw[t, k])
        return replace(self, sparse=tuple(frames))


def raw_take(vendor: Vendor, chunks: Iterable[RecordedChunk]) -> RawTake:
    """All chunks of a recording or a simulated robot as one take."""
    values = list(chunks)
    total = sum(chunk.frames for chunk in values)
    sparse = vendor.profile.sparse
    if sparse is not None:
        frames = tuple(frame for chunk in values for frame in chunk.value[sparse.frames])
        return RawTake(vendor, {}, {}, frames, np.arange(total))
    blocks = block_fields(vendor.schema.document)
    parts = [_columns(vendor, chunk) for chunk in values]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    names = blocks if vendor.schema.kind == "avro" else columns
    constants = {name: v for name, v in values[0].value.items() if name not in names}
    return RawTake(vendor, columns, constants, None, np.arange(total))


def _columns(vendor: Vendor, chunk: RecordedChunk) -> Fields:
    blocks = block_fields(vendor.schema.document)
    fields = column_fields(vendor, blocks, chunk.value, chunk.frames)
    if vendor.schema.kind == "avro":
        return fields
    read = json_fields(vendor.profile)
    return {name: fields[name].astype(np.float64) for name in read}
