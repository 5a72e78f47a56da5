"""Vendor profiles as the dashboard needs them: read again when a new one comes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from schemas.vendors import Vendor, load_vendors

AGAIN_AFTER_S = 10.0


class Profiles:
    """The profiles this process knows; one that was added since is found when a robot names it."""

    def __init__(self, extra: Path | None) -> None:
        self._extra = extra
        self._known: Mapping[str, Vendor] = {}
        self._read_at = float("-inf")
        self._nominal_hz: Mapping[str, float] = {}
        self._read()

    def nominal_hz(self) -> Mapping[str, float]:
        """Frames a second by profile id."""
        return self._nominal_hz

    def find(self, profile: str) -> Vendor | None:
        """The profile; None where this process does not have it."""
        if profile not in self._known and time.monotonic() - self._read_at > AGAIN_AFTER_S:
            self._read()
        return self._known.get(profile)

    def _read(self) -> None:
        self._read_at = time.monotonic()
        self._known = load_vendors(self._extra).by_profile
        self._nominal_hz = {name: v.profile.rate_hz for name, v in self._known.items()}
