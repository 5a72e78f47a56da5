"""Statistics of a data set's numbers, as normalisers read them: per episode and over many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sinks.datasets.quantiles import QUANTILES

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Planes = npt.NDArray[np.generic]
"""[S, N]: components by steps."""

Mask = npt.NDArray[np.bool_]

_BEHIND = np.finfo(np.float32).max
"""Stands for what does not count: behind everything that does."""

_SHARES = np.array([0.0, *QUANTILES.values(), 1.0])


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
        """As arrays that `stats_of` reads, from JSON too."""
        own = {name: getattr(self, name) for name in ("min", "max", "mean", "std", "counts")}
        return {**own, "count": [self.steps], **self.quantiles}

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
        planes: [S, N], N >= 1; float32 where not everything counts.
        valid: [S, N] what counts; None: everything.
    """
    counts = np.full(len(planes), planes.shape[1]) if valid is None else valid.sum(axis=1)
    held = planes if valid is None else np.where(valid, planes, _BEHIND)
    rising = np.sort(held, axis=1)
    found = _quantiles(rising, counts)
    total = np.maximum(counts, 1).astype(np.float64)
    off = planes.astype(np.float64)
    if valid is not None:
        off[~valid] = 0.0
    mean = off.sum(axis=1) / total
    off -= mean[:, None]
    if valid is not None:
        off[~valid] = 0.0
    return Stats(
        min=found[0],
        max=found[-1],
        mean=mean,
        std=np.sqrt(np.einsum("sn,sn->s", off, off) / total),
        counts=counts.astype(np.float64),
        steps=planes.shape[1],
        quantiles={name: found[1 + place] for place, name in enumerate(QUANTILES)},
    )


def _quantiles(rising: Planes, counts: I64) -> F64:
    """The quantiles of `_SHARES`, [Q, S], of sorted rows [S, N] whose first counts [S] count.

    Between two neighbours as the line between them; 0 where none counts.
    """
    rows, last = np.arange(len(rising)), np.maximum(counts, 1) - 1
    exact = _SHARES[:, None] * last
    rank = exact.astype(np.int64)
    low = rising[rows, rank].astype(np.float64)
    high = rising[rows, np.minimum(rank + 1, last)].astype(np.float64)
    return np.where(counts > 0, low + (high - low) * (exact - rank), 0.0)


def split(stats: Stats, widths: Sequence[int]) -> Iterator[Stats]:
    """Statistics of so many components at a time."""
    start = 0
    for width in widths:
        own = slice(start, start + width)
        start += width
        yield Stats(
            stats.min[own],
            stats.max[own],
            stats.mean[own],
            stats.std[own],
            stats.counts[own],
            stats.steps,
            {name: values[own] for name, values in stats.quantiles.items()},
        )


class Pool:
    """Statistics over many episodes, but for quantiles: none of the episodes is held.

    Mean and deviation by the parallel algorithm of Chan, Golub and LeVeque (1979).
    """

    def __init__(self, components: int) -> None:
        self._low, self._high = np.full(components, np.inf), np.full(components, -np.inf)
        self._counts, self._mean, self._squares = (np.zeros(components) for _ in range(3))
        self._steps = 0

    def add(self, part: Stats) -> None:
        """One more episode's."""
        some = part.counts > 0.0
        np.minimum(self._low, part.min, out=self._low, where=some)
        np.maximum(self._high, part.max, out=self._high, where=some)
        counts = self._counts + part.counts
        share = part.counts / np.maximum(counts, 1.0)
        off = part.mean - self._mean
        self._squares += part.std**2 * part.counts + off**2 * self._counts * share
        self._mean += off * share
        self._counts = counts
        self._steps += part.steps

    def stats(self, quantiles: dict[str, F64]) -> Stats:
        """Of all that were added, with the quantiles over them all."""
        some = self._counts > 0.0
        low, high = np.where(some, self._low, 0.0), np.where(some, self._high, 0.0)
        return Stats(
            min=low,
            max=high,
            mean=self._mean,
            std=np.sqrt(self._squares / np.maximum(self._counts, 1.0)),
            counts=self._counts,
            steps=self._steps,
            quantiles={name: np.clip(values, low, high) for name, values in quantiles.items()},
        )
