"""The condition after `--where`: what it means in SQL, and that nothing else gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.where.columns import COLUMNS
from sinks.where.match import meets
from sinks.where.read import read_where
from sinks.where.sql import parse_where
from sinks.where.words import MAX_CHARS, WhereError


def test_a_condition_becomes_parameters() -> None:
    found = parse_where("task = 'fold' and (verdict in ('accept', 'review') or score >= 0.99)")
    assert found.sql == (
        "((task = {where_0:String}) AND ((verdict IN ({where_1:String}, {where_2:String})) "
        "OR (score >= {where_3:Float64})))"
    )
    assert list(found.parameters.values()) == ["fold", "accept", "review", 0.99]


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("success", "(success = {where_0:Bool})"),
        ("not aborted", "(NOT (aborted = {where_0:Bool}))"),
        ("task is not null", "(task IS NOT NULL)"),
        ("operator not in ('op-1')", "(operator NOT IN ({where_0:String}))"),
        ("robot like 'pollen/%'", "(robot LIKE {where_0:String})"),
        ("frames between 10 and 20", "(frames BETWEEN {where_0:Int64} AND {where_1:Int64})"),
        ("TASK <> 'a' AND Success", "((task != {where_0:String}) AND (success = {where_1:Bool}))"),
    ],
)
def test_each_form(text: str, sql: str) -> None:
    assert parse_where(text).sql == sql


def test_a_quote_within_a_text_is_doubled() -> None:
    assert parse_where("operator = 'o''neil'").parameters == {"where_0": "o'neil"}


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:01", 10**9),
        ("1970-01-01T01:00:00.000001+01:00", 1_000),
    ],
)
def test_times_are_nanoseconds_since_1970(text: str, ns: int) -> None:
    found = parse_where(f"started >= '{text}'")
    assert found.parameters == {"where_0": ns}
    assert found.sql == "(t_first_ns >= {where_0:Int64})"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a column's name"),
        ("task", "a comparison"),
        ("task = fold", "a text in single quotes"),
        ('task = "fold"', "single quotes"),
        ("taks = 'fold'", "did you mean task?"),
        ("score = 'high'", "a number"),
        ("frames = 1.5", "whole number"),
        ("frames = 99999999999999999999", "whole number"),
        ("task = 'fold", "cannot read"),
        ("task = 'fold') or (1 = 1", "`and`, `or` or the end"),
        ("task = 'fold'; drop table frames", "cannot read"),
        ("1 = 1", "a column's name"),
        ("task = 'a' union select 1", "`and`, `or` or the end"),
        ("version() = '1'", "no column"),
        ("started > 'monday'", "ISO 8601"),
        ("success = 1", "`true` or `false`"),
        ("score like 'x'", "`like` compares texts"),
        ("(" * 40 + "success" + ")" * 40, "deep"),
        ("not " * 40 + "success", "deep"),
        ("success and " * 2_000 + "success", str(MAX_CHARS)),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(WhereError, match=says.replace("(", r"\(").replace("?", r"\?")):
        parse_where(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_never_becomes_sql(text: str) -> None:
    try:
        found = parse_where(text)
    except WhereError:
        return
    words = set(found.sql.replace("(", " ").replace(")", " ").split())
    for name in found.parameters:
        assert f"{{{name}:" in found.sql
    assert not words & {"SELECT", "UNION", "DROP", ";"}


@given(st.sampled_from(sorted(COLUMNS)), st.text(max_size=30))
def test_a_literal_stays_a_literal(column: str, text: str) -> None:
    quoted = text.replace("'", "''")
    try:
        found = parse_where(f"{column} = '{quoted}'")
    except WhereError:
        return
    assert "'" not in found.sql.replace(COLUMNS[column][1], "")


TOLD = {"robot": "pollen/r2", "vendor": "pollen", "task": "fold 50% of it", "score": 0.5,
        "success": True}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("vendor = 'pollen' and success", True),
        ("vendor != 'pollen' or score between 0.4 and 0.5", True),
        ("score not between 0.4 and 0.5", False),
        ("task like 'fold%'", True),
        ("task like '%50\\%%'", True),
        ("task like '%50\\% %'", True),
        ("task like 'fold'", False),
        ("task not like 'fold _0%'", False),
        ("robot in ('a/b', 'pollen/r2')", True),
        ("robot not in ('a/b')", True),
        ("score < 0.5 or score > 0.5 or not score = 0.5", False),
        ("operator is null and score is not null", True),
        ("operator = 'op-1' or success", True),
        ("operator != 'op-1'", False),
        ("not operator = 'op-1'", False),
        ("not (operator = 'op-1' and not success)", True),
        ("not (operator = 'op-1' or not success)", False),
        ("operator in ('op-1') or operator not in ('op-1')", False),
    ],
)
def test_a_condition_is_asked_of_a_row_as_of_a_table(text: str, met: bool) -> None:
    """What is not told is null, and of null nothing is true, nor its contrary."""
    assert meets(read_where(text), TOLD) is met
