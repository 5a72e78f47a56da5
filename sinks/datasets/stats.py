"""Statistics of a data set's numbers, as normalisers read them: per episode and over many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
BINS = 4096
"""Quantiles over many episodes are exact to the span of a component over this many bins."""

Planes = npt.NDArray[np.generic]
"""[S, N]: components by steps."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stats:
    """Of S components over N steps; every array is [S]. `std` is the population's.

    Attributes:
        counts: steps that have a value, by component; where there is none all else is 0.
        steps: N.
        quantiles: by name.
    """

    min: F64
    max: F64
    mean: F64
    std: F64
    counts: F64
    steps: int
    quantiles: dict[str, F64]

    def kept(self) -> dict[str, Any]:
        """As plain data that `stats_of` reads."""
        return {**self.document(), "counts": self.counts.tolist()}

    def document(self) -> dict[str, Any]:
        """As LeRobot names them."""
        return {
            "min": self.min.tolist(),
            "max": self.max.tolist(),
            "mean": self.mean.tolist(),
            "std": self.std.tolist(),
            "count": [self.steps],
            **{name: values.tolist() for name, values in self.quantiles.items()},
        }


def stats_of(kept: Mapping[str, Any]) -> Stats:
    """Statistics as `Stats.kept` gave them."""
    arrays = {name: np.array(values, np.float64) for name, values in kept.items()}
    return Stats(
        **{name: arrays[name] for name in ("min", "max", "mean", "std", "counts")},
        steps=int(arrays["count"][0]),
        quantiles={name: arrays[name] for name in QUANTILES},
    )


def episode_stats(planes: Planes, valid: Mask | None = None) -> Stats:
    """Exact statistics of one episode.

    Args:
        planes: [S, N], N >= 1.
        valid: [S, N] what counts; None: everything.
    """
    if valid is None or valid.all():
        return _whole(planes)
    parts = [_whole(row[chosen][None]) if chosen.any() else None
             for row, chosen in zip(planes, valid, strict=True)]  # fmt: skip

    def column(read: Callable[[Stats], F64]) -> F64:
        return np.array([0.0 if part is None else read(part)[0] for part in parts])

    return Stats(
        min=column(lambda part: part.min),
        max=column(lambda part: part.max),
        mean=column(lambda part: part.mean),
        std=column(lambda part: part.std),
        counts=column(lambda part: part.counts),
        steps=planes.shape[1],
        quantiles={
            name: column(lambda part, name=name: part.quantiles[name])  # type: ignore[misc]
            for name in QUANTILES
        },
    )


class Pool:
    """Statistics over many episodes: their own ones first, then their numbers for the quantiles.

    Mean and deviation by the parallel algorithm of Chan, Golub and LeVeque (1979).
    """

    def __init__(self, parts: Sequence[Stats]) -> None:
        self._counts = np.stack([part.counts for part in parts])
        self._means = np.stack([part.mean for part in parts])
        self._stds = np.stack([part.std for part in parts])
        self._steps = sum(part.steps for part in parts)
        held = self._counts > 0.0
        low = np.where(held, np.stack([part.min for part in parts]), np.inf).min(axis=0)
        high = np.where(held, np.stack([part.max for part in parts]), -np.inf).max(axis=0)
        some = held.any(axis=0)
        self._low, self._high = np.where(some, low, 0.0), np.where(some, high, 0.0)
        self._histogram = np.zeros((len(low), BINS), np.int64)

    def take(self, planes: Planes, valid: Mask | None) -> None:
        """The numbers of one of the episodes, and what counts of them."""
        _count(planes, valid, self._low, self._high, self._histogram)

    def stats(self) -> Stats:
        """Of all episodes, once each was taken."""
        total = np.maximum(self._counts.sum(axis=0), 1.0)
        mean = (self._counts * self._means).sum(axis=0) / total
        spread = self._stds**2 + (self._means - mean) ** 2
        return Stats(
            min=self._low,
            max=self._high,
            mean=mean,
            std=np.sqrt((self._counts * spread).sum(axis=0) / total),
            counts=self._counts.sum(axis=0),
            steps=self._steps,
            quantiles=_quantiles(self._histogram, self._low, self._high),
        )


def _whole(planes: Planes) -> Stats:
    values = np.sort(planes, axis=1).astype(np.float64)
    mean = values.mean(axis=1)
    return Stats(
        min=values[:, 0],
        max=values[:, -1],
        mean=mean,
        std=np.sqrt(np.square(values - mean[:, None]).mean(axis=1)),
        counts=np.full(len(values), float(values.shape[1])),
        steps=values.shape[1],
        quantiles={name: _sorted_quantile(values, q) for name, q in QUANTILES.items()},
    )


def _sorted_quantile(ordered: F64, q: float) -> F64:
    place = q * (ordered.shape[1] - 1)
    low = int(place)
    high = min(low + 1, ordered.shape[1] - 1)
    found: F64 = ordered[:, low] + (ordered[:, high] - ordered[:, low]) * (place - low)
    return found


def _count(
    planes: Planes, valid: Mask | None, low: F64, high: F64, histogram: npt.NDArray[np.int64]
) -> None:
    # One flat histogram: each component's bins behind those of the one before it.
    scale = (BINS / np.where(high > low, high - low, 1.0))[:, None]
    place = ((np.asarray(planes, np.float64) - low[:, None]) * scale).astype(np.int32)
    np.clip(place, 0, BINS - 1, out=place)
    place += (np.arange(len(low), dtype=np.int32) * BINS)[:, None]
    chosen = place.ravel() if valid is None else place[valid]
    histogram += np.bincount(chosen, minlength=histogram.size).reshape(histogram.shape)


def _quantiles(histogram: npt.NDArray[np.int64], low: F64, high: F64) -> dict[str, F64]:
    above = np.cumsum(histogram, axis=1)
    total = np.maximum(above[:, -1], 1)
    width = (high - low) / BINS
    rows = np.arange(len(low))
    found = {}
    for name, q in QUANTILES.items():
        rank = q * (total - 1)
        chosen = np.minimum((above <= rank[:, None]).sum(axis=1), BINS - 1)
        below = np.where(chosen > 0, above[rows, chosen - 1], 0)
        inside = np.maximum(histogram[rows, chosen], 1)
        found[name] = np.clip(low + width * (chosen + (rank - below + 0.5) / inside), low, high)
    return found
