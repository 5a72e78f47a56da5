"""Laws of sequence numbers: nothing new is called a duplicate, whatever the order of arrival."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.order import MAX_RANGES, Place, count, place


def _arrive(sequences: list[int]) -> tuple[list[Place], int, tuple[tuple[int, int], ...]]:
    places, next_sequence, missing = [], 0, ()
    for sequence in sequences:
        where, next_sequence, missing = place(next_sequence, missing, sequence)
        places.append(where)
    return places, next_sequence, missing


@given(st.lists(st.integers(0, 60), max_size=200))
def test_first_arrival_is_never_a_duplicate_and_second_always_is(sequences: list[int]) -> None:
    places, _, missing = _arrive(sequences)
    seen: set[int] = set()
    for sequence, where in zip(sequences, places, strict=True):
        assert (where is Place.DUPLICATE) == (sequence in seen)
        seen.add(sequence)
    expected = set(range(max(sequences, default=-1) + 1)) - seen
    assert {n for start, stop in missing for n in range(start, stop)} == expected
    assert count(missing) == len(expected)


@given(st.lists(st.integers(0, 5_000), max_size=400, unique=True))
def test_many_holes_stay_bounded_and_lose_no_first_arrival(sequences: list[int]) -> None:
    places, _, missing = _arrive(sequences)
    assert Place.DUPLICATE not in places
    assert len(missing) <= MAX_RANGES
    assert all(a[1] <= b[0] for a, b in pairwise(missing))


@given(st.permutations(list(range(30))))
def test_nothing_is_missing_once_all_came(sequences: list[int]) -> None:
    _, next_sequence, missing = _arrive(sequences)
    assert (next_sequence, missing) == (30, ())
