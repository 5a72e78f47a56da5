"""Positions: only what is at rest is committed, and what the broker has is not sent again."""

from __future__ import annotations

import pytest

from sinks.offsets import Offsets
from sinks.patience import Patience
from sinks.record import Place

PLACE = Place("raw.fourier", 2)


def test_nothing_is_committed_before_it_is_at_rest() -> None:
    offsets = Offsets()
    assert offsets.read(PLACE, 5) == 0
    assert offsets.unconfirmed() == {}
    assert offsets.rest({PLACE: 6}) == {PLACE: 1}
    assert offsets.unconfirmed() == {PLACE: 6}
    offsets.confirm(PLACE, 6)
    assert offsets.unconfirmed() == {}


def test_a_position_never_goes_back() -> None:
    offsets = Offsets()
    offsets.read(PLACE, 0)
    offsets.rest({PLACE: 10})
    assert offsets.rest({PLACE: 4}) == {}
    assert offsets.unconfirmed() == {PLACE: 10}
    offsets.confirm(PLACE, 4)
    assert offsets.unconfirmed() == {PLACE: 10}


def test_gaps_are_counted() -> None:
    offsets = Offsets()
    assert offsets.read(PLACE, 7) == 0
    assert offsets.read(PLACE, 8) == 0
    assert offsets.read(PLACE, 12) == 3


def test_a_lost_partition_is_not_committed() -> None:
    offsets = Offsets()
    offsets.read(PLACE, 0)
    offsets.forget()
    assert offsets.rest({PLACE: 1}) == {}
    assert offsets.unconfirmed() == {}
    offsets.confirm(PLACE, 1)
    assert offsets.unconfirmed() == {}


def test_patience_waits_for_what_may_pass_and_for_nothing_else() -> None:
    waited: list[float] = []
    patience = Patience("test", waited.append)
    failures = iter([ConnectionError("away"), ConnectionError("away"), None])

    def action() -> str:
        if error := next(failures):
            raise error
        return "done"

    assert patience.attempt("it", action, lambda e: isinstance(e, ConnectionError)) == "done"
    assert waited == [0.2, 0.4]
    failures = iter([ValueError("a bug")])
    with pytest.raises(ValueError, match="a bug"):
        patience.attempt("it", action, lambda e: isinstance(e, ConnectionError))
