"""Marks: what the station says, and what is not a mark."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.marks import Mark, MarkKind, Mode, episode_id, parse_mark
from schemas.rejected import Reason, Rejected


@pytest.mark.parametrize(
    "mark",
    [
        Mark(mark=MarkKind.SESSION_START),
        Mark(
            mark=MarkKind.EPISODE_START,
            task="把毛巾叠好",
            skill="fold",
            scene="household",
            operator="op-12",
            station="s3",
            mode=Mode.TELEOPERATED,
        ),
        Mark(mark=MarkKind.EPISODE_END, success=False, aborted=True),
        Mark(mark=MarkKind.SESSION_END, last_sequence=9),
    ],
    ids=lambda mark: mark.mark.value,
)
def test_round_trip(mark):
    assert parse_mark(mark.to_json()) == mark


def test_what_is_not_told_is_not_written():
    assert Mark(mark=MarkKind.SESSION_START).to_json() == b'{"mark":"session_start"}'


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"mark":"other"}',
        b'{"mark":"episode_start","colour":"red"}',
        b'{"mark":"episode_start","mode":"alone"}',
        b'{"mark":"session_end","last_sequence":-1}',
        b'{"mark":"episode_start","task":"' + b"x" * 129 + b'"}',
        b'{"mark":"episode_start","task":"' + b"x" * 20_000 + b'"}',
    ],
)
def test_what_is_no_mark_is_refused(value):
    refused = parse_mark(value)
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.BAD_MARK


def test_a_mark_is_checked_where_it_is_made():
    with pytest.raises(ValidationError):
        Mark(mark=MarkKind.EPISODE_START, task="x" * 129)


def test_episode_ids_sort_as_they_happened():
    session = "01JZ3Y8V6C8B6Q5D2T7M9K4N0P"
    assert episode_id(session, 9) < episode_id(session, 10)
