"""What the folding consumer takes from Faust's own bookkeeping: nothing that passes a fold over."""

from __future__ import annotations

import asyncio

from faust.types import TP

from streams.folding import FoldingConsumer

PLACE = TP("raw.fourier", 1)


def consumer(committable: dict[TP, int]) -> FoldingConsumer:
    made = object.__new__(FoldingConsumer)
    made.committable = lambda: committable
    return made


def test_what_lies_between_two_folds_is_not_taken_for_acknowledged() -> None:
    made = consumer({PLACE: 7})
    asyncio.run(made._add_gap(PLACE, 7, 500))
    assert made._new_offset(PLACE) == 7


def test_commits_are_the_ledger_s_alone() -> None:
    made = consumer({PLACE: 7})
    assert list(made._filter_tps_with_pending_acks()) == [PLACE]
    assert made._new_offset(TP("raw.fourier", 2)) is None
