"""From a decoded message to arrays by field, and from fields to the native channel order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.blocks import Block
from schemas.limits import MAX_CHANNELS
from schemas.profile import POSITION_SCALE, Group, Profile, Source
from schemas.vendors import Vendor

F64 = npt.NDArray[np.float64]
Fields = Mapping[str, npt.NDArray[Any]]
"""Arrays [T, K] by field name, in the vendor's own numeric type."""


PRESENT = "/present"
"""Field of a sparse message: [T, C] true where a device gave its position in a frame."""


class ShapeError(ValueError):
    """A field that does not hold what profile and envelope say."""


@dataclass(frozen=True)
class Part:
    """Columns [start, stop) of a field that become channels from `first` on."""

    field: str
    start: int
    stop: int | None
    first: int
    width: int


@dataclass(frozen=True)
class Signal:
    """Where all channels of a signal come from, and the factors to SI: v · scale + offset."""

    name: str
    channels: int
    parts: tuple[Part, ...]
    scale: F64
    offset: F64
    missing: float | None

    @cached_property
    def scaled(self) -> bool:
        """Whether SI units differ from the vendor's."""
        return bool((self.scale != 1.0).any() or self.offset.any())

    def gather(self, fields: Fields) -> F64:
        """The signal as [T, C] in SI units; NaN where a channel does not report it."""
        if len(self.parts) == 1 and self.parts[0].width == self.channels:
            out = self._block(fields, self.parts[0]).astype(np.float64)
        else:
            frames = len(next(iter(fields.values())))
            out = np.full((frames, self.channels), np.nan)
            for part in self.parts:
                out[:, part.first : part.first + part.width] = self._block(fields, part)
        if self.missing is not None:
            out[out == self.missing] = np.nan
        if self.scaled:
            out *= self.scale
            out += self.offset
        return out

    def _block(self, fields: Fields, part: Part) -> npt.NDArray[Any]:
        block = fields[part.field][:, part.start : part.stop]
        if block.shape[1] != part.width:
            raise ShapeError(
                f"{part.field} has {fields[part.field].shape[1]} columns, "
                f"too few or too many for {part.width} channels"
            )
        return block


def compile_signals(profile: Profile) -> dict[str, Signal]:
    """The signals a profile reports: position always, others where named."""
    signals = {}
    for name in ("position", "velocity", "effort", "action", "temperature"):
        parts = []
        first = 0
        for group in profile.groups:
            source: Source | None = getattr(group, name)
            width = len(group.channels)
            if source is not None:
                parts.append(_part(profile, source, first, width))
            first += width
        if parts:
            scales = [_factors(group, name) for group in profile.groups]
            signals[name] = Signal(
                name,
                first,
                tuple(parts),
                np.concatenate([scale for scale, _ in scales]),
                np.concatenate([offset for _, offset in scales]),
                profile.missing,
            )
    return signals


def sparse_field(source: Source) -> str:
    """The name under which a sparse signal's columns stand among the fields."""
    return f"{source.entries or ''}/{source.field}"


def _part(profile: Profile, source: Source, first: int, width: int) -> Part:
    if profile.sparse is not None:
        return Part(sparse_field(source), first, first + width, first, width)
    start, stop = source.columns or (0, None)
    return Part(source.field, start, stop, first, width)


def _factors(group: Group, name: str) -> tuple[F64, F64]:
    count = len(group.channels)
    signs = np.array(group.signs or [1] * count, np.float64)
    if name == "temperature":
        return np.ones(count), np.zeros(count)
    if name == "effort":
        return signs * group.effort_scale, np.zeros(count)
    if not group.dofs:
        return signs * POSITION_SCALE[group.unit], np.zeros(count)
    span = group.closed - group.open
    offset = 0.0 if name == "velocity" else -group.open / span
    return np.full(count, 1.0 / span), np.full(count, offset)


def column_fields(
    vendor: Vendor, blocks: Mapping[str, Block], message: Mapping[str, Any], frames: int
) -> Fields:
    """Fields of a message in which every signal is a column block or a nested list."""
    if vendor.schema.kind == "avro":
        return {name: _rows(name, block, message[name], frames) for name, block in blocks.items()}
    if not isinstance(message, dict):
        raise ShapeError("the value is not a JSON object")
    return {name: _nested(name, message[name], frames) for name in json_fields(vendor.profile)}


def json_fields(profile: Profile) -> frozenset[str]:
    """The fields of a JSON message that a profile reads."""
    base = profile.base
    sources = [base.position, base.angular_velocity, base.acceleration]
    sources += [base.rotation.source] if base.rotation else []
    sources += [profile.controller.mode] if profile.controller else []
    sources += [profile.hand_position.left, profile.hand_position.right]
    for group in profile.groups:
        sources += group.sources
    names = {source.field for source in sources if source}
    return frozenset(names | ({profile.clock.field} if profile.clock.field else set()))


def _rows(name: str, block: Block, data: bytes, frames: int) -> npt.NDArray[Any]:
    if len(data) != frames * block.row_bytes:
        raise ShapeError(
            f"{name} has {len(data)} bytes; {frames} frames of {block.columns} {block.dtype} "
            f"take {frames * block.row_bytes}"
        )
    return np.frombuffer(data, block.dtype).reshape(frames, block.columns)


def _nested(name: str, rows: Any, frames: int) -> npt.NDArray[Any]:
    """A JSON column as [T, K].

    What its cells are is looked at first: numpy would take words, too, each as wide as the widest.
    """
    if not isinstance(rows, list) or len(rows) != frames:
        raise ShapeError(f"{name} is no list of {frames} frames")
    kinds = set(map(type, rows))
    if kinds == {list}:
        if not 0 < len(rows[0]) <= MAX_CHANNELS:
            raise ShapeError(f"{name} has {len(rows[0])} columns, not 1 to {MAX_CHANNELS}")
        kinds = set().union(*(map(type, row) for row in rows))
    if not kinds <= _NUMBERS:
        raise ShapeError(f"{name} is not a table of numbers: it holds {_named(kinds - _NUMBERS)}")
    try:
        array = np.asarray(rows)
        if array.dtype.kind == "O":
            array = np.array(rows, np.float64)
    except (ValueError, OverflowError) as error:
        raise ShapeError(f"{name} is not a table of numbers: {error}") from None
    return array.reshape(frames, -1)


_NUMBERS = frozenset((int, float, type(None)))


def _named(kinds: Iterable[type]) -> str:
    return ", ".join(sorted(kind.__name__ for kind in kinds))
