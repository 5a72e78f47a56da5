"""The whole way from a description file to what was found in it and its embodiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from producers.onboarding.build import build_embodiment
from producers.onboarding.description import DescriptionError
from producers.onboarding.find import find_body
from producers.onboarding.found import Found
from producers.onboarding.read import read_description
from producers.onboarding.settle import overridden, read_override, settle
from schemas.embodiment import Embodiment


@dataclass(frozen=True)
class Onboarded:
    """A robot's mapping, and the embodiment that carries it."""

    found: Found
    embodiment: Embodiment


def onboard(path: Path, override: Path | None = None) -> Onboarded:
    """Read, find, settle and build; raises DescriptionError with what is wrong with the file.

    Args:
        path: URDF or MJCF.
        override: TOML that settles what cannot be known; else `<file>.toml` beside it, if there.
    """
    beside = path.with_suffix(".toml")
    settled: Mapping[str, Any] = {}
    if override is not None or beside.exists():
        settled = read_override(override or beside)
    description = read_description(path)
    found = find_body(description, path.stem)
    found = overridden(found, settled, {joint.name for joint in description.joints})
    try:
        embodiment = build_embodiment(description, settle(description, found, settled))
    except ValueError as error:
        if isinstance(error, DescriptionError):
            raise
        raise DescriptionError(f"{path.name}: {error}") from error
    return Onboarded(replace(found, confirm=embodiment.confirm), embodiment)
