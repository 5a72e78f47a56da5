"""A condition's text as words, and errors that point at their place in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_CHARS = 4_000

_WORD = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*') |
        (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?) |
        (?P<name>[A-Za-z_][A-Za-z_0-9]*) |
        (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)


class WhereError(ValueError):
    """A condition that cannot be read or asked; the message points at the place, or says why."""


@dataclass(frozen=True, slots=True)
class Word:
    """A text, number, name or sign, and where it stands."""

    kind: str
    text: str
    at: int


def words(text: str) -> list[Word]:
    """Cut a condition's text into words."""
    if len(text) > MAX_CHARS:
        raise WhereError(f"a condition has {MAX_CHARS} characters at most, this has {len(text)}")
    found, at = [], 0
    while text[at:].strip():
        match = _WORD.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            hint = "; texts stand in single quotes" if text[start] in "\"`'" else ""
            raise WhereError(pointed(text, start, f"cannot read this{hint}"))
        value = match.group(match.lastgroup)
        found.append(Word(match.lastgroup, value, match.end() - len(value)))
        at = match.end()
    return found


def pointed(text: str, at: int, message: str) -> str:
    """A message above the text, with a mark below the place it is about."""
    line = " ".join(text.split("\n"))
    return f"{message}:\n  {line}\n  {' ' * at}^"
