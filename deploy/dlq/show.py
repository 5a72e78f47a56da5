"""A refused record for the eye: whatever it holds, a terminal shows it and obeys none of it."""

from __future__ import annotations

from typing import Any

import orjson
from rich.markup import escape

from deploy.dlq.refusals import Refusal
from schemas.codec import CodecError, decode
from schemas.events import DeadLetter
from schemas.registry import Registry

_ROW_BYTES = 16
_MOST_CHARS = 4_000
_DEEPEST = 12


def plain(text: str) -> str:
    """Text without control characters, and with no markup that a table would obey."""
    return escape("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


def hexdump(data: bytes) -> str:
    """Offset, bytes, characters; sixteen bytes a line."""
    lines = []
    for at in range(0, len(data), _ROW_BYTES):
        row = data[at : at + _ROW_BYTES]
        text = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
        lines.append(f"{at:08x}  {row.hex(' '):<{3 * _ROW_BYTES}} {text}")
    return "\n".join(lines)


def value_words(value: bytes, registry: Registry) -> str:
    """What a value decodes to by the schema it names, or why it does not."""
    try:
        schema, told = decode(value, registry)
    except CodecError as error:
        return f"value: {len(value)} bytes, unreadable: {_printable(str(error))}"
    text = orjson.dumps(_readable(told), option=orjson.OPT_INDENT_2, default=repr).decode()
    cut = "" if len(text) <= _MOST_CHARS else f"\n… {len(text) - _MOST_CHARS} characters more"
    return f"value: {len(value)} bytes of {schema.name}\n{_printable(text[:_MOST_CHARS])}{cut}"


def described(one: Refusal, letter: DeadLetter) -> dict[str, Any]:
    """A refusal with its whole record; bytes that are no text are hexadecimal."""
    return {
        **one.document(),
        "key": _text_or_hex(letter.key),
        "headers": [[name, _text_or_hex(value)] for name, value in letter.headers],
        "value_hex": None if letter.value is None else letter.value.hex(),
    }


def _readable(told: Any, depth: int = 0) -> Any:
    """Blocks of bytes by their length alone; what is nested deep is left out."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(told, dict):
        return {str(name): _readable(value, depth + 1) for name, value in told.items()}
    if isinstance(told, list):
        return [_readable(value, depth + 1) for value in told]
    return f"{len(told)} bytes" if isinstance(told, bytes) else told


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def _text_or_hex(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"0x{data.hex()}"
