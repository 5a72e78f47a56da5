"""`python -m sinks.retargeted`: canonical frames in the joints of KINEBUS_RETARGET's robots."""

from __future__ import annotations

import sys

from schemas.embodiment import load_embodiment
from schemas.settings import SettingMissingError, Settings
from schemas.topics import CANONICAL_FRAMES
from schemas.vendors import Vendor, load_vendors
from sinks.follow import Follower
from sinks.process import run_sink
from sinks.publisher import Publisher
from sinks.retargeted.sink import NAME, RetargetSink, VendorOf
from streams.retarget_plan import compile_target


def build(settings: Settings, follower: Follower) -> RetargetSink:
    """The sink, for the targets of the settings."""
    if not settings.retarget_targets:
        raise SettingMissingError(
            "KINEBUS_RETARGET", "name the robots to play everything on, such as unitree_g1_29dof"
        )
    targets = [compile_target(load_embodiment(name)) for name in settings.retarget_targets]
    publisher = Publisher(settings.require_kafka(), f"sink-{NAME}", follower.patience)
    return RetargetSink(targets, vendors_of(settings), publisher)


def vendors_of(settings: Settings) -> VendorOf:
    """Vendors by profile; one that was added since is read when its first frames come."""
    known: dict[str, Vendor] = {}

    def vendor_of(profile: str) -> Vendor:
        if profile not in known:
            known.update(load_vendors(settings.profiles_dir).by_profile)
        if profile not in known:
            raise LookupError(
                f"no profile {profile!r} here: give this process the profiles that the stream "
                "workers have (KINEBUS_PROFILES)"
            )
        return known[profile]

    return vendor_of


if __name__ == "__main__":
    sys.exit(run_sink(NAME, (CANONICAL_FRAMES,), build))
