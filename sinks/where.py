"""The condition after `--where`: a small part of SQL, read here and handed over as parameters.

Columns are a closed set and every literal becomes a parameter of the query, so that whatever
stands in a condition is data and never SQL.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "String"
    WHOLE = "Int64"
    NUMBER = "Float64"
    TRUTH = "Bool"
    TIME = "Nanoseconds"


COLUMNS: Mapping[str, tuple[Kind, str]] = {
    "episode": (Kind.TEXT, "episode"),
    "processing_id": (Kind.TEXT, "processing_id"),
    "robot": (Kind.TEXT, "robot"),
    "vendor": (Kind.TEXT, "splitByChar('/', robot)[1]"),
    "session": (Kind.TEXT, "session"),
    "profile": (Kind.TEXT, "profile"),
    "embodiment": (Kind.TEXT, "embodiment"),
    "task": (Kind.TEXT, "task"),
    "skill": (Kind.TEXT, "skill"),
    "scene": (Kind.TEXT, "scene"),
    "operator": (Kind.TEXT, "operator"),
    "station": (Kind.TEXT, "station"),
    "mode": (Kind.TEXT, "mode"),
    "cause": (Kind.TEXT, "cause"),
    "verdict": (Kind.TEXT, "verdict"),
    "success": (Kind.TRUTH, "success"),
    "aborted": (Kind.TRUTH, "aborted"),
    "frames": (Kind.WHOLE, "frames"),
    "missing": (Kind.WHOLE, "missing"),
    "score": (Kind.NUMBER, "score"),
    "seconds": (Kind.NUMBER, "(t_last_ns - t_first_ns) / 1e9"),
    "started": (Kind.TIME, "t_first_ns"),
}
"""What may be asked, by name: what it holds, and the expression it stands for."""

MAX_CHARS = 4_000
MAX_DEPTH = 32

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*') |
        (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?) |
        (?P<word>[A-Za-z_][A-Za-z_0-9]*) |
        (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_KEYWORDS = frozenset(("and", "or", "not", "in", "like", "is", "null", "between", "true", "false"))


class WhereError(ValueError):
    """A condition that cannot be read; the message points at the place and says what fits."""


@dataclass(frozen=True)
class Condition:
    """A condition as SQL with named parameters."""

    sql: str = "1"
    parameters: Mapping[str, Any] = field(default_factory=dict)


EVERY = Condition()
"""Everything meets it."""


def parse_where(text: str) -> Condition:
    """Read a condition such as `task = 'fold' and verdict in ('accept', 'review')`.

    Known: `= != < <= > >= [not] in [not] like [not] between is [not] null and or not ( )`, a
    column of truth by itself, texts in single quotes, numbers, and times as ISO 8601 texts (UTC
    where they name no offset).
    """
    if len(text) > MAX_CHARS:
        raise WhereError(f"a condition has {MAX_CHARS} characters at most, this has {len(text)}")
    reader = _Reader(text, _tokens(text))
    sql = reader.either(0)
    if not reader.at_end:
        raise reader.error("expected `and`, `or` or the end")
    return Condition(sql, reader.parameters)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            hint = "; texts stand in single quotes" if text[start] in "\"`'" else ""
            raise WhereError(_pointed(text, start, f"cannot read this{hint}"))
        value = match.group(match.lastgroup)
        tokens.append(_Token(match.lastgroup, value, match.end() - len(value)))
        at = match.end()
    return tokens


def _pointed(text: str, at: int, message: str) -> str:
    line = " ".join(text.split("\n"))
    return f"{message}:\n  {line}\n  {' ' * at}^"


class _Reader:
    """Recursive descent over the tokens; collects parameters as it goes."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.parameters: dict[str, Any] = {}
        self._text = text
        self._tokens = tokens
        self._next = 0

    @property
    def at_end(self) -> bool:
        return self._next == len(self._tokens)

    def error(self, message: str, back: int = 0) -> WhereError:
        place = self._next - back
        at = self._tokens[place].at if place < len(self._tokens) else len(self._text)
        return WhereError(_pointed(self._text, at, message))

    def either(self, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep")
        parts = [self._all(depth)]
        while self._word("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"

    def _all(self, depth: int) -> str:
        parts = [self._one(depth)]
        while self._word("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"

    def _one(self, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep")
        if self._word("not"):
            return f"(NOT {self._one(depth + 1)})"
        if self._sign("("):
            inner = self.either(depth + 1)
            if not self._sign(")"):
                raise self.error("expected `)`")
            return inner
        return self._predicate()

    def _predicate(self) -> str:
        kind, column = self._column()
        if self._word("is"):
            negated = self._word("not")
            if not self._word("null"):
                raise self.error("expected `null`")
            return f"({column} IS {'NOT ' if negated else ''}NULL)"
        no = "NOT " if self._word("not") else ""
        if self._word("in"):
            return f"({column} {no}IN ({', '.join(self._list(kind))}))"
        if self._word("like"):
            if kind is not Kind.TEXT:
                raise self.error("`like` compares texts", back=1)
            return f"({column} {no}LIKE {self._literal(kind)})"
        if self._word("between"):
            low = self._literal(kind)
            if not self._word("and"):
                raise self.error("expected `and` between the two ends")
            return f"({column} {no}BETWEEN {low} AND {self._literal(kind)})"
        if no:
            raise self.error("expected `in`, `like` or `between`")
        token = self._peek()
        if token is not None and token.text in _COMPARISONS:
            self._next += 1
            return f"({column} {_COMPARISONS[token.text]} {self._literal(kind)})"
        if kind is Kind.TRUTH:
            return f"({column} = true)"
        raise self.error("expected a comparison such as `= 'fold'`")

    def _column(self) -> tuple[Kind, str]:
        token = self._peek()
        if token is None or token.kind != "word" or token.text.lower() in _KEYWORDS:
            raise self.error("expected a column's name")
        name = token.text.lower()
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COLUMNS)}"
            raise self.error(f"no column {token.text!r}: {hint}")
        self._next += 1
        return COLUMNS[name]

    def _list(self, kind: Kind) -> list[str]:
        if not self._sign("("):
            raise self.error("expected `(`")
        values = [self._literal(kind)]
        while self._sign(","):
            values.append(self._literal(kind))
        if not self._sign(")"):
            raise self.error("expected `,` or `)`")
        return values

    def _literal(self, kind: Kind) -> str:
        token = self._peek()
        if token is None:
            raise self.error("expected a value")
        self._next += 1
        value = self._value(kind, token)
        name = f"where_{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{Kind.WHOLE if kind is Kind.TIME else kind}}}"

    def _value(self, kind: Kind, token: _Token) -> Any:
        if kind is Kind.TRUTH and token.text.lower() in ("true", "false"):
            return token.text.lower() == "true"
        if kind is Kind.TEXT and token.kind == "text":
            return token.text[1:-1].replace("''", "'")
        if kind is Kind.TIME and token.kind == "text":
            return self._time(token.text[1:-1])
        if kind is Kind.NUMBER and token.kind == "number":
            return float(token.text)
        if kind is Kind.WHOLE and token.kind == "number":
            value = float(token.text)
            if not value.is_integer() or abs(value) >= 2**63:
                raise self.error("expected a whole number of 64 bits", back=1)
            return int(value)
        wanted = {
            Kind.TRUTH: "`true` or `false`",
            Kind.TEXT: "a text in single quotes",
            Kind.TIME: "a time such as '2026-11-23' or '2026-11-23T08:00:00+01:00'",
        }
        raise self.error(f"expected {wanted.get(kind, 'a number')}", back=1)

    def _time(self, text: str) -> int:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self.error("expected a time as ISO 8601, such as '2026-11-23'", back=1) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        whole = moment.replace(microsecond=0)
        return int(whole.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000

    def _peek(self) -> _Token | None:
        return None if self.at_end else self._tokens[self._next]

    def _word(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.kind != "word" or token.text.lower() != word:
            return False
        self._next += 1
        return True

    def _sign(self, sign: str) -> bool:
        token = self._peek()
        if token is None or token.text != sign:
            return False
        self._next += 1
        return True
