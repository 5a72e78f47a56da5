"""No committed offset ever passes an output or a snapshot that is not acknowledged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.checkpoint import Checkpoint
from streams.ledger import Ledger


@given(st.data())
def test_commit_never_passes_what_is_not_acknowledged(data: st.DataObject) -> None:
    folds = data.draw(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=30))
    ledger = Ledger()
    end = 0
    undelivered: dict[int, int] = {}
    first_offset: dict[int, int] = {}
    unacknowledged: list[Checkpoint] = []
    pending = list(folds)
    while pending or undelivered or unacknowledged:
        choices = [
            name
            for name, some in (
                ("enter", pending), ("deliver", undelivered), ("acknowledge", unacknowledged)
            )
            if some
        ]  # fmt: skip
        move = data.draw(st.sampled_from(choices))
        if move == "enter":
            length, checks = pending.pop(0)
            start, end = end, end + length
            number = ledger.enter(Checkpoint(end, ()) if checks else None)
            undelivered[number] = end
            first_offset[number] = start
        elif move == "deliver":
            number = data.draw(st.sampled_from(sorted(undelivered)))
            del undelivered[number]
            unacknowledged += ledger.deliver(number)
        else:
            ledger.acknowledge(
                unacknowledged.pop(data.draw(st.integers(0, len(unacknowledged) - 1)))
            )
        committable = ledger.committable or 0
        assert all(committable <= first_offset[n] for n in undelivered)
        assert all(committable < c.offset for c in unacknowledged)
    ends = _ends(folds)
    assert ledger.committable == (ends[-1] if ends else None)
    assert ledger.open_folds == 0


def _ends(folds: list[tuple[int, bool]]) -> list[int]:
    ends, end = [], 0
    for length, checks in folds:
        end += length
        if checks:
            ends.append(end)
    return ends
