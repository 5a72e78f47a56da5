"""Seeds of the simulation, a failing one named with what repeats it; `make chaos` plays 2,000."""

from __future__ import annotations

import os

from tests.chaos.sim.world import CRASHES, EVENTS, REBALANCES, ROBOTS
from tests.chaos.simulate import repeat_command, run

SEEDS = int(os.environ.get("KINEBUS_SIMULATION_SEEDS", "200"))


def test_nothing_is_lost_or_doubled_whatever_crashes_when() -> None:
    failed = []
    for played in run(0, SEEDS, os.cpu_count() or 1):
        assert played.records >= EVENTS
        assert played.crashes >= CRASHES
        assert played.rebalances >= REBALANCES
        if played.wrong:
            failed.append(f"seed {played.seed}: {played.wrong}; {repeat_command(played.seed)}")
    assert not failed, "\n".join(failed[:10])
    assert ROBOTS >= 3
