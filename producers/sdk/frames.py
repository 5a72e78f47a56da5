"""Single frames become a chunk in the vendor's own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from producers.sdk.form import Form
from schemas.blocks import Block, block_bytes, block_fields
from schemas.limits import MAX_FRAMES

_BLOCK_LENGTH_BYTES = 5


class FrameError(ValueError):
    """A frame that does not fit the vendor's schema; the message names the field."""


@dataclass(frozen=True)
class FrameLayout:
    """Where a frame's fields go in a chunk.

    Attributes:
        blocks: fields that hold a row of bytes a frame.
        lists: fields that hold an entry a frame.
        constants: fields that hold one value a chunk.
        whole: the field whose entries are the frames themselves (sparse layout), else None.
    """

    blocks: Mapping[str, Block]
    lists: frozenset[str]
    constants: frozenset[str]
    required: frozenset[str]
    whole: str | None


@dataclass(frozen=True, slots=True)
class TakenFrame:
    """A frame copied out of the caller's arrays, which it may reuse."""

    rows: dict[str, Any]
    constants: dict[str, Any]
    size: int
    """Bytes it takes alone, as a value; a chunk takes no more than the sum of its frames."""


@dataclass
class OpenChunk:
    """Frames that wait to become one chunk."""

    started_ns: int = 0
    size: int = 0
    frames: list[TakenFrame] = field(default_factory=list)

    def takes(self, frame: TakenFrame, now_ns: int, span_ns: int, max_bytes: int) -> bool:
        """Whether a frame may join those that wait: in time, within limits, of the same shape."""
        if not self.frames:
            return True
        first = self.frames[0]
        return (
            not self.due(now_ns, span_ns)
            and self.size + frame.size <= max_bytes
            and frame.constants == first.constants
            and frame.rows.keys() == first.rows.keys()
        )

    def add(self, frame: TakenFrame, now_ns: int) -> None:
        """Let a frame join."""
        if not self.frames:
            self.started_ns = now_ns
        self.frames.append(frame)
        self.size += frame.size

    def due(self, now_ns: int, span_ns: int) -> bool:
        """Whether the chunk should wait no longer."""
        full = len(self.frames) >= MAX_FRAMES
        return bool(self.frames) and (full or now_ns - self.started_ns >= span_ns)


def frame_layout(form: Form) -> FrameLayout:
    """Read the layout from the profile and its schema."""
    document = form.schema.document
    if form.schema.kind == "json":
        fields = document["properties"]
        lists = frozenset(n for n, part in fields.items() if part.get("type") == "array")
        required = frozenset(document.get("required", ()))
    else:
        fields = {part["name"]: part["type"] for part in document["fields"]}
        lists = frozenset(
            n for n, kind in fields.items() if isinstance(kind, Mapping) and kind["type"] == "array"
        )
        required = frozenset(fields)
    blocks = block_fields(document)
    return FrameLayout(
        blocks=blocks,
        lists=lists,
        constants=frozenset(fields) - blocks.keys() - lists,
        required=required,
        whole=form.profile.sparse.frames if form.profile.sparse else None,
    )


def take_frame(form: Form, layout: FrameLayout, frame: Mapping[str, Any]) -> TakenFrame:
    """Copy one frame in the vendor's own form: a mapping from field to value or array.

    In the sparse layout the mapping is one entry of the list of frames.

    Raises:
        FrameError: a field is absent, unknown, or has the wrong shape.
        ValueTooLargeError: not even this frame alone may be sent.
    """
    if layout.whole is not None:
        frame = {layout.whole: frame}
    absent = layout.required - frame.keys()
    if absent:
        raise FrameError(f"the frame lacks {', '.join(sorted(absent))}")
    rows: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    for name, value in frame.items():
        block = layout.blocks.get(name)
        if block is not None:
            rows[name] = _row(name, block, value)
        elif name in layout.lists:
            rows[name] = _plain(value)
        elif name in layout.constants:
            constants[name] = _plain(value)
        else:
            raise FrameError(f"the schema has no field {name!r}")
    return TakenFrame(rows, constants, _size(form, layout, rows, constants))


def join_frames(layout: FrameLayout, frames: Sequence[TakenFrame]) -> dict[str, Any]:
    """One chunk of frames of the same shape, as the vendor's schema encodes it."""
    value = dict(frames[0].constants)
    for name in frames[0].rows:
        rows = [frame.rows[name] for frame in frames]
        value[name] = b"".join(rows) if name in layout.blocks else rows
    return value


def _row(name: str, block: Block, value: Any) -> bytes:
    try:
        row = block_bytes(block, value)
    except ValueError as error:
        raise FrameError(f"{name}: {error}") from None
    if len(row) != block.row_bytes:
        raise FrameError(f"{name}: {len(row) // block.dtype.itemsize} numbers, not {block.columns}")
    return row


def _size(
    form: Form, layout: FrameLayout, rows: Mapping[str, Any], constants: Mapping[str, Any]
) -> int:
    if rows.keys() == layout.blocks.keys() == layout.required:
        return sum(map(len, rows.values())) + _BLOCK_LENGTH_BYTES * (len(rows) + 1)
    alone = {name: row if name in layout.blocks else [row] for name, row in rows.items()}
    return len(form.encode({**constants, **alone}))


def _plain(value: Any) -> Any:
    """Numpy's arrays and numbers as Python's; lists and mappings copied."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
