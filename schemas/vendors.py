"""All vendor profiles of a system: the packaged ones and those of the user's own folder."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from schemas.embodiment import Embodiment, load_embodiment
from schemas.processing import processing_id
from schemas.profile import Profile
from schemas.registry import Registry, Schema, packaged
from schemas.thresholds import FILE_NAME, Threshold, ThresholdError, load_thresholds

_HERE = Path(__file__).parent
PROFILES_DIR = _HERE / "profiles"


class ProfileError(ValueError):
    """A profile file that cannot be used; the message names the file and what to change."""


@dataclass(frozen=True)
class Vendor:
    """A profile with everything it names, loaded and checked against each other.

    Attributes:
        repair: names what a repair has read; empty for what is made of the log as it comes.
        thresholds: rows of the tables of thresholds that concern it.
    """

    profile: Profile
    schema: Schema
    embodiment: Embodiment
    repair: str = ""
    thresholds: tuple[Threshold, ...] = ()

    @cached_property
    def processing_id(self) -> str:
        """The id under which frames of this profile are processed by this version of the code."""
        return processing_id(self.profile, self.embodiment.hash, self.repair, self.thresholds)


@dataclass(frozen=True)
class Vendors:
    """Profiles by id, and the registry that knows their schemas."""

    by_profile: Mapping[str, Vendor]
    registry: Registry

    @property
    def names(self) -> tuple[str, ...]:
        """Vendor names, sorted, each once: one raw topic each."""
        return tuple(sorted({vendor.profile.vendor for vendor in self.by_profile.values()}))

    def newest(self, vendor: str) -> Vendor:
        """The newest version of a vendor's first profile; raises KeyError with what there is."""
        own = [v for v in self.by_profile.values() if v.profile.vendor == vendor]
        if not own:
            raise KeyError(f"no vendor {vendor!r}; there are {', '.join(self.names)}")
        return max(own, key=lambda v: v.profile.version)


def load_vendors(extra: Path | None = None, only: Iterable[str] = ()) -> Vendors:
    """Read the packaged profiles and those of one more folder.

    Args:
        extra: a folder of `*.toml` profiles with their `*.avsc` / `*.schema.json`, and embodiment
            files beside them.
        only: vendors to keep; empty keeps all.
    """
    registry = packaged().with_dir(PROFILES_DIR)
    own = () if extra is None else (extra,)
    if extra is not None:
        registry = registry.with_dir(extra)
    paths = [p for folder in (PROFILES_DIR, *own) for p in sorted(folder.glob("*.toml"))]
    try:
        rows = [row for folder in (_HERE, *own) for row in load_thresholds(folder)]
    except ThresholdError as error:
        raise ProfileError(str(error)) from None
    wanted = set(only)
    loaded: dict[str, Vendor] = {}
    for path in paths:
        if path.name == FILE_NAME:
            continue
        vendor = load_vendor(path, registry)
        concerned = tuple(row for row in rows if row.concerns(vendor.profile))
        vendor = replace(vendor, thresholds=concerned)
        if wanted and vendor.profile.vendor not in wanted:
            continue
        if vendor.profile.id in loaded:
            raise ProfileError(f"{path}: {vendor.profile.id} is already taken; raise its version")
        loaded[vendor.profile.id] = vendor
    return Vendors(loaded, registry)


def load_vendor(path: Path, registry: Registry) -> Vendor:
    """Read one profile file and what it names."""
    try:
        profile = Profile.model_validate(tomllib.loads(path.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from None
    beside = path.parent / f"{profile.embodiment}.json"
    embodiment = load_embodiment(beside if beside.exists() else profile.embodiment)
    check_joints(profile, embodiment, str(path))
    schema = registry.named(profile.schema_name)
    if schema.kind != profile.encoding.value:
        raise ProfileError(f"{path}: schema {schema.name} is {schema.kind}, not {profile.encoding}")
    return Vendor(profile, schema, embodiment)


def check_joints(profile: Profile, embodiment: Embodiment, where: str) -> None:
    """Raise ProfileError where a profile names a joint that the embodiment does not have."""
    known = {joint.name for joint in embodiment.joints}
    unknown = [name for name in profile.channel_joints if name is not None and name not in known]
    unknown += [name for name in profile.assume if name not in known]
    if unknown:
        raise ProfileError(f"{where}: {embodiment.id} has no joint {', '.join(unknown)}")
