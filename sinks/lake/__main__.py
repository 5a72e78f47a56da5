"""`python -m sinks.lake`: canonical frames to object storage, group `sink-lake`."""

from __future__ import annotations

import sys

from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES
from schemas.vendors import load_vendors
from sinks.announce import Announcer
from sinks.follow import Follower
from sinks.lake.sink import NAME, LakeSink
from sinks.lake.table import ChannelNames
from sinks.objects import open_store
from sinks.process import run_sink


class UnknownProfileError(LookupError):
    """Frames of a profile that this process does not have."""


def build(settings: Settings, follower: Follower) -> LakeSink:
    """The sink, on the store of the settings."""
    store = open_store(settings.require_lake())
    announcer = Announcer(settings.require_kafka(), NAME, follower.patience)
    spill_dir = settings.home / "spill" / f"lake-{settings.worker}"
    names = names_of_profiles(settings)
    return LakeSink(store, names, announcer, follower.patience, spill_dir)


def names_of_profiles(settings: Settings) -> ChannelNames:
    """Channel names by profile id: packaged profiles and those of the user's folder.

    A profile that was added since is read when its first frames come.
    """
    names: dict[str, tuple[str, ...]] = {}

    def channel_names(profile: str) -> tuple[str, ...]:
        if profile not in names:
            vendors = load_vendors(settings.profiles_dir).by_profile
            names.update({key: vendor.profile.channel_names for key, vendor in vendors.items()})
        if profile not in names:
            raise UnknownProfileError(
                f"no profile {profile!r} here: columns cannot be named. Give this process the "
                "profiles that the stream workers have (KINEBUS_PROFILES)."
            )
        return names[profile]

    return channel_names


if __name__ == "__main__":
    sys.exit(run_sink(NAME, (CANONICAL_FRAMES,), build))
