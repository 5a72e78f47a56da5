"""The envelope: what is written is read again; what is wrong is told."""

from __future__ import annotations

import dataclasses

import pytest

from schemas.envelope import (
    Envelope,
    Kind,
    envelope_headers,
    is_robot,
    is_session,
    is_tick,
    parse_envelope,
    tick_headers,
)
from schemas.rejected import Reason, Rejected

ENVELOPE = Envelope(
    kind=Kind.CHUNK,
    robot="pollen/r2-0007",
    session="01JZ3Y8V6C8B6Q5D2T7M9K4N0P",
    sequence=12,
    first_frame=96,
    frames=8,
    published_ns=1_750_000_000_123_456_789,
    profile="pollen-reachy2@1",
)


def headers(**changed):
    fields = dict(envelope_headers(ENVELOPE))
    fields.update(changed)
    return [(name, value) for name, value in fields.items() if value is not ...]


@pytest.mark.parametrize("kind", [Kind.CHUNK, Kind.MARK])
def test_round_trip(kind):
    envelope = dataclasses.replace(ENVELOPE, kind=kind, frames=8 if kind is Kind.CHUNK else 0)
    assert parse_envelope(envelope_headers(envelope)) == envelope
    assert envelope.vendor == "pollen"


@pytest.mark.parametrize("absent", [None, [], [("other", b"1")]])
def test_no_envelope(absent):
    refused = parse_envelope(absent)
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.MISSING_ENVELOPE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", b"other"),
        ("kind", b"tick"),
        ("robot", b"no-slash"),
        ("robot", b"Upper/1"),
        ("robot", b"pollen/../../etc"),
        ("robot", b"\xff\xfe/1"),
        ("robot", b"pollen/" + b"x" * 200),
        ("session", b"not-a-ulid"),
        ("session", None),
        ("session", ...),
        ("sequence", b"-1"),
        ("sequence", b"1.0"),
        ("sequence", b"9" * 19),
        ("sequence", ...),
        ("first_frame", b""),
        ("frames", b"0"),
        ("frames", b"65"),
        ("published_ns", b"soon"),
        ("profile", ...),
    ],
)
def test_one_bad_header_refuses_the_record(name, value):
    refused = parse_envelope(headers(**{name: value}))
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.BAD_ENVELOPE


def test_a_mark_has_no_frames():
    assert isinstance(parse_envelope(headers(kind=b"mark")), Rejected)


def test_ticks_are_told_from_the_rest():
    assert is_tick(tick_headers(5))
    assert not is_tick(envelope_headers(ENVELOPE))
    assert not is_tick(None)


def test_names():
    assert is_robot("unitree/G1_0007.left:a")
    assert not is_robot("unitree/")
    assert not is_robot("/x")
    assert is_session(ENVELOPE.session)
    assert not is_session(ENVELOPE.session.lower())
    assert not is_session("8" + ENVELOPE.session[1:])
