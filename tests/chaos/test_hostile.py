"""Hostile input, a small part of what `make chaos` runs: nothing raises, nothing is unexplained."""

from __future__ import annotations

from schemas.rejected import Reason
from tests.chaos.hostile import run

ELSEWHERE = {Reason.CRASHED, Reason.WRONG_PARTITION, Reason.TOO_MANY_ROBOTS}
"""Reasons that no input alone brings about; these inputs come in a topic's only partition."""


def test_every_input_comes_out_as_something_with_a_name() -> None:
    found = run(1_500, seed=7)
    assert found.failures == []
    assert sum(found.outcomes.values()) == 1_500
    assert set(found.reasons) == {reason.value for reason in Reason} - ELSEWHERE
    assert found.outcomes["chunk"] > 100


def test_a_seed_gives_the_same_inputs_again() -> None:
    one, two = run(150, seed=3), run(150, seed=3)
    assert one.outcomes == two.outcomes
    assert one.reasons == two.reasons
