"""Partitions that rest for a while: what of theirs was fetched already waits here, in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

Place = tuple[str, int]
"""Topic and partition."""


class Fetched(Protocol):
    """What may have to wait."""

    @property
    def generation(self) -> int:
        """The consumer group's generation when it was fetched."""


F = TypeVar("F", bound=Fetched)


class Holding(Generic[F]):
    """The places that rest. Nothing more is fetched of them, so little gathers."""

    def __init__(self) -> None:
        self._folds: dict[Place, list[F]] = {}

    def hold(self, places: Iterable[Place]) -> None:
        """Let these rest, too."""
        for place in places:
            self._folds.setdefault(place, [])

    def keep(self, place: Place, fold: F) -> bool:
        """Put a fold behind what waits; False where its place does not rest.

        What an earlier generation fetched is forgotten: it is read again.
        """
        folds = self._folds.get(place)
        if folds is None:
            return False
        if folds and folds[-1].generation != fold.generation:
            folds.clear()
        folds.append(fold)
        return True

    def release(self, place: Place) -> list[F]:
        """End a rest; gives what has waited."""
        return self._folds.pop(place, [])

    def places(self) -> frozenset[Place]:
        """All that rest."""
        return frozenset(self._folds)
