"""A worker is ended when records wait and it takes none, and for no other reason."""

from __future__ import annotations

from streams.watchdog import PATIENCE_S, stalled

PLACE = ("raw.fourier", 2)


def test_records_that_wait_too_long_are_a_stall() -> None:
    assert stalled(PATIENCE_S, {PLACE: 10}, {PLACE: 11}) == PLACE


def test_a_quiet_night_is_not() -> None:
    assert stalled(10 * PATIENCE_S, {PLACE: 10}, {PLACE: 10}) is None


def test_nor_is_a_moment() -> None:
    assert stalled(PATIENCE_S - 1, {PLACE: 10}, {PLACE: 500}) is None


def test_nor_is_a_broker_that_does_not_answer() -> None:
    assert stalled(10 * PATIENCE_S, {PLACE: 10}, {}) is None
