"""Reads a condition such as `task = 'fold' and verdict in ('accept', 'review')`.

Known: `= != < <= > >= [not] in [not] like [not] between is [not] null and or not ( )`, a column of
truth by itself, texts in single quotes, numbers, and times as ISO 8601 texts (UTC where they name
no offset).
"""

from __future__ import annotations

import difflib
from datetime import UTC, datetime

from sinks.where.columns import COLUMNS, Kind
from sinks.where.tree import All, Either, Node, Not, Predicate, Relation, Value
from sinks.where.words import WhereError, Word, pointed, words

MAX_DEPTH = 32

_COMPARISONS = {
    "=": Relation.EQUAL, "!=": Relation.UNEQUAL, "<>": Relation.UNEQUAL, "<": Relation.LESS,
    "<=": Relation.AT_MOST, ">": Relation.MORE, ">=": Relation.AT_LEAST,
}  # fmt: skip
_KEYWORDS = frozenset(("and", "or", "not", "in", "like", "is", "null", "between", "true", "false"))


def read_where(text: str) -> Node:
    """The condition as a tree; WhereError where it cannot be read."""
    reader = _Reader(text)
    node = reader.either(0)
    if not reader.at_end:
        raise reader.error("expected `and`, `or` or the end")
    return node


class _Reader:
    """Recursive descent over the words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = words(text)
        self._next = 0

    @property
    def at_end(self) -> bool:
        return self._next == len(self._words)

    def error(self, message: str, back: int = 0) -> WhereError:
        place = self._next - back
        at = self._words[place].at if place < len(self._words) else len(self._text)
        return WhereError(pointed(self._text, at, message))

    def either(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep")
        parts = [self._all(depth)]
        while self._name("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self, depth: int) -> Node:
        parts = [self._one(depth)]
        while self._name("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep")
        if self._name("not"):
            return Not(self._one(depth + 1))
        if self._sign("("):
            inner = self.either(depth + 1)
            if not self._sign(")"):
                raise self.error("expected `)`")
            return inner
        return self._predicate()

    def _predicate(self) -> Predicate:
        column = self._column()
        kind = COLUMNS[column][0]
        if self._name("is"):
            negated = self._name("not")
            if not self._name("null"):
                raise self.error("expected `null`")
            return Predicate(column, Relation.NOT_NULL if negated else Relation.NULL)
        negated = self._name("not")
        if self._name("in"):
            return Predicate(column, Relation.NOT_IN if negated else Relation.IN, self._list(kind))
        if self._name("like"):
            if kind is not Kind.TEXT:
                raise self.error("`like` compares texts", back=1)
            own = Relation.NOT_LIKE if negated else Relation.LIKE
            return Predicate(column, own, (self._literal(kind),))
        if self._name("between"):
            low = self._literal(kind)
            if not self._name("and"):
                raise self.error("expected `and` between the two ends")
            own = Relation.NOT_BETWEEN if negated else Relation.BETWEEN
            return Predicate(column, own, (low, self._literal(kind)))
        if negated:
            raise self.error("expected `in`, `like` or `between`")
        word = self._peek()
        if word is not None and word.text in _COMPARISONS:
            self._next += 1
            return Predicate(column, _COMPARISONS[word.text], (self._literal(kind),))
        if kind is Kind.TRUTH:
            return Predicate(column, Relation.EQUAL, (True,))
        raise self.error("expected a comparison such as `= 'fold'`")

    def _column(self) -> str:
        word = self._peek()
        if word is None or word.kind != "name" or word.text.lower() in _KEYWORDS:
            raise self.error("expected a column's name")
        name = word.text.lower()
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COLUMNS)}"
            raise self.error(f"no column {word.text!r}: {hint}")
        self._next += 1
        return name

    def _list(self, kind: Kind) -> tuple[Value, ...]:
        if not self._sign("("):
            raise self.error("expected `(`")
        values = [self._literal(kind)]
        while self._sign(","):
            values.append(self._literal(kind))
        if not self._sign(")"):
            raise self.error("expected `,` or `)`")
        return tuple(values)

    def _literal(self, kind: Kind) -> Value:
        word = self._peek()
        if word is None:
            raise self.error("expected a value")
        self._next += 1
        if kind is Kind.TRUTH and word.text.lower() in ("true", "false"):
            return word.text.lower() == "true"
        if kind is Kind.TEXT and word.kind == "text":
            return word.text[1:-1].replace("''", "'")
        if kind is Kind.TIME and word.kind == "text":
            return self._time(word.text[1:-1])
        if kind is Kind.NUMBER and word.kind == "number":
            return float(word.text)
        if kind is Kind.WHOLE and word.kind == "number":
            value = float(word.text)
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

    def _peek(self) -> Word | None:
        return None if self.at_end else self._words[self._next]

    def _name(self, name: str) -> bool:
        word = self._peek()
        if word is None or word.kind != "name" or word.text.lower() != name:
            return False
        self._next += 1
        return True

    def _sign(self, sign: str) -> bool:
        word = self._peek()
        if word is None or word.text != sign:
            return False
        self._next += 1
        return True
