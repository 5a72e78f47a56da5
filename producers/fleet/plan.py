"""Which robots a simulated fleet has, and what each of them is told apart by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from producers.recordings.recording import frames_per_chunk
from schemas.vendors import Vendor

VARIANTS = 4
"""Robots of a profile share this many motion loops, begun at different places."""


@dataclass(frozen=True, slots=True)
class RobotPlan:
    """One simulated robot.

    Attributes:
        robot: `<vendor>/<serial>`.
        vendor: its profile, schema and embodiment.
        seed: of its motion; robots of a profile with the same seed share their loop.
        phase: where in the loop it begins, 0 ... 1.
        rate_hz: frames a second.
        chunk_frames: frames in a chunk.
        operator: pseudonymous id.
        station: where it stands.
    """

    robot: str
    vendor: Vendor
    seed: int
    phase: float
    rate_hz: float
    chunk_frames: int
    operator: str
    station: str


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """All robots, and for how long they move: None is until they are stopped."""

    robots: tuple[RobotPlan, ...]
    seconds: float | None = None

    @property
    def frames_per_second(self) -> float:
        """What the whole fleet sends."""
        return sum(robot.rate_hz for robot in self.robots)


def plan_fleet(
    vendors: Sequence[Vendor],
    robots: int,
    *,
    seconds: float | None = None,
    seed: int = 0,
    rate_scale: float = 1.0,
    frames_per_second: float | None = None,
    chunk_frames: int | None = None,
) -> FleetPlan:
    """Spread robots evenly over vendors; the same arguments give the same fleet.

    Args:
        vendors: profiles to take turns.
        robots: how many.
        seconds: how long they move.
        seed: of everything random.
        rate_scale: factor on each profile's nominal rate. Stamps follow it, so with another factor
            than 1 the checks that know the nominal rate will find the timing uneven.
        frames_per_second: of the whole fleet; sets the factor instead.
        chunk_frames: frames in a chunk; about 100 ms of them by default.
    """
    if not vendors or robots < 1:
        raise ValueError("a fleet has at least one vendor and one robot")
    chosen = [vendors[number % len(vendors)] for number in range(robots)]
    if frames_per_second is not None:
        rate_scale = frames_per_second / sum(vendor.profile.rate_hz for vendor in chosen)
    plans = []
    for number, vendor in enumerate(chosen):
        rate_hz = vendor.profile.rate_hz * rate_scale
        nth = number // len(vendors)
        plans.append(
            RobotPlan(
                robot=f"{vendor.profile.vendor}/sim-{nth:04d}",
                vendor=vendor,
                seed=seed * VARIANTS + nth % VARIANTS,
                phase=(number * 0.618034) % 1.0,
                rate_hz=rate_hz,
                chunk_frames=chunk_frames or frames_per_chunk(rate_hz),
                operator=f"op-{number % 37:02d}",
                station=f"s{number % 53:02d}",
            )
        )
    return FleetPlan(tuple(plans), seconds)
