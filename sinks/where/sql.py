"""A condition as SQL with named parameters, for the views of episodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sinks.where.columns import COLUMNS, Kind
from sinks.where.read import read_where
from sinks.where.tree import All, Node, Not, Predicate, Relation, Value


@dataclass(frozen=True)
class Condition:
    """A condition as SQL with named parameters."""

    sql: str = "1"
    parameters: Mapping[str, Any] = field(default_factory=dict)


EVERY = Condition()
"""Everything meets it."""


def parse_where(text: str) -> Condition:
    """Read a condition and write it as SQL; WhereError where it cannot be read."""
    parameters: dict[str, Any] = {}
    return Condition(_sql(read_where(text), parameters), parameters)


def _sql(node: Node, parameters: dict[str, Any]) -> str:
    if isinstance(node, Predicate):
        return f"({_predicate(node, parameters)})"
    if isinstance(node, Not):
        return f"(NOT {_sql(node.part, parameters)})"
    word = " AND " if isinstance(node, All) else " OR "
    return f"({word.join(_sql(part, parameters) for part in node.parts)})"


def _predicate(node: Predicate, parameters: dict[str, Any]) -> str:
    kind, column = COLUMNS[node.column]
    own = [_parameter(kind, value, parameters) for value in node.values]
    if node.relation in (Relation.IN, Relation.NOT_IN):
        return f"{column} {node.relation} ({', '.join(own)})"
    return " ".join([column, node.relation, " AND ".join(own)]).rstrip()


def _parameter(kind: Kind, value: Value, parameters: dict[str, Any]) -> str:
    name = f"where_{len(parameters)}"
    parameters[name] = value
    return f"{{{name}:{Kind.WHOLE if kind is Kind.TIME else kind}}}"
