"""Whether an episode that is not in a database meets a condition, by SQL's three-valued logic."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sinks.where.tree import All, Node, Not, Predicate, Relation

_ORDER: Mapping[Relation, Callable[[Any, Any], bool]] = {
    Relation.EQUAL: operator.eq,
    Relation.UNEQUAL: operator.ne,
    Relation.LESS: operator.lt,
    Relation.AT_MOST: operator.le,
    Relation.MORE: operator.gt,
    Relation.AT_LEAST: operator.ge,
}
_NEGATIVE = (Relation.NOT_IN, Relation.NOT_LIKE, Relation.NOT_BETWEEN)


def meets(node: Node, row: Mapping[str, Any]) -> bool:
    """Whether a row, by name of column, meets a condition; what is not told is null."""
    return _truth(node, row) is True


def _truth(node: Node, row: Mapping[str, Any]) -> bool | None:
    if isinstance(node, Predicate):
        return _predicate(node, row.get(node.column))
    if isinstance(node, Not):
        inner = _truth(node.part, row)
        return None if inner is None else not inner
    deciding = not isinstance(node, All)
    found = [_truth(part, row) for part in node.parts]
    if deciding in found:
        return deciding
    return None if None in found else not deciding


def _predicate(node: Predicate, value: Any) -> bool | None:
    if node.relation in (Relation.NULL, Relation.NOT_NULL):
        return (value is None) is (node.relation is Relation.NULL)
    if value is None:
        return None
    if node.relation in _ORDER:
        return _ORDER[node.relation](value, node.values[0])
    if node.relation in (Relation.IN, Relation.NOT_IN):
        found = value in node.values
    elif node.relation in (Relation.LIKE, Relation.NOT_LIKE):
        found = _like(str(node.values[0])).fullmatch(value) is not None
    else:
        found = node.values[0] <= value <= node.values[1]
    return found is not (node.relation in _NEGATIVE)


@lru_cache(maxsize=256)
def _like(pattern: str) -> re.Pattern[str]:
    """`%` is any text, `_` any character, a backslash takes their meaning away."""
    parts = re.findall(r"\\[%_\\]|%|_|[^%_\\]+|\\", pattern)
    known = {"%": ".*", "_": "."}
    return re.compile(
        "".join(
            known.get(part) or re.escape(part[1:] if len(part) == 2 and part[0] == "\\" else part)
            for part in parts
        ),
        re.DOTALL,
    )
