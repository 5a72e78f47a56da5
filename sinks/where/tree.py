"""A condition as it was read: predicates, and how they are joined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Value = str | int | float | bool


class Relation(StrEnum):
    """What a predicate says of a column, as SQL writes it."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "IN"
    NOT_IN = "NOT IN"
    LIKE = "LIKE"
    NOT_LIKE = "NOT LIKE"
    BETWEEN = "BETWEEN"
    NOT_BETWEEN = "NOT BETWEEN"
    NULL = "IS NULL"
    NOT_NULL = "IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Predicate:
    """A column of `COLUMNS`, and what it is compared with."""

    column: str
    relation: Relation
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    part: Node


@dataclass(frozen=True, slots=True)
class All:
    """Each of the parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the parts, or more."""

    parts: tuple[Node, ...]


Node = Predicate | Not | All | Either


def columns_in(node: Node) -> frozenset[str]:
    """The columns that a condition asks."""
    if isinstance(node, Predicate):
        return frozenset((node.column,))
    if isinstance(node, Not):
        return columns_in(node.part)
    return frozenset().union(*(columns_in(part) for part in node.parts))
