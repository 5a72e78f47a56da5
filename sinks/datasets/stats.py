"""Statistics of a data set's numbers, as normalisers read them: per episode and over many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sinks.datasets.quantiles import QUANTILES

F64 = npt.NDArray[np.float64]
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


@dataclass(frozen=True, slots=True)
class Ordered:
    """Each component's values in their order.

    Attributes:
        values: [S, N] rising; behind the first `counts` of a component stands nothing of worth.
        counts: [S] how many of a component's values count.
    """

    values: Planes
    counts: npt.NDArray[np.int64]

    @property
    def whole(self) -> bool:
        """Whether every value counts."""
        return bool((self.counts == self.values.shape[1]).all())


def stats_of(kept: Mapping[str, Any]) -> Stats:
    """Statistics as `Stats.kept` gave them."""
    arrays = {name: np.array(values, np.float64) for name, values in kept.items()}
    return Stats(
        **{name: arrays[name] for name in ("min", "max", "mean", "std", "counts")},
        steps=int(arrays["count"][0]),
        quantiles={name: arrays[name] for name in QUANTILES},
    )


def in_order(planes: Planes, valid: Mask | None = None) -> Ordered:
    """Sort an episode's numbers, once for all that is asked of them.

    Args:
        planes: [S, N], N >= 1.
        valid: [S, N] what counts, of planes of floats; None: everything.
    """
    if valid is None or valid.all():
        return Ordered(np.sort(planes, axis=1), np.full(len(planes), planes.shape[1], np.int64))
    # NaN sorts behind every number.
    return Ordered(np.sort(np.where(valid, planes, np.nan), axis=1), valid.sum(axis=1))


def episode_stats(ordered: Ordered) -> Stats:
    """Exact statistics of one episode."""
    values, counts = ordered.values, ordered.counts
    some, last = counts > 0, np.maximum(counts, 1) - 1
    rows = np.arange(len(values))

    def at(place: npt.NDArray[np.int64]) -> F64:
        return np.where(some, values[rows, place].astype(np.float64), 0.0)

    total = np.maximum(counts, 1).astype(np.float64)
    off = values.astype(np.float64)
    if not ordered.whole:
        np.nan_to_num(off, copy=False)
    mean = off.sum(axis=1) / total
    off -= mean[:, None]
    if not ordered.whole:
        off[np.arange(values.shape[1]) >= counts[:, None]] = 0.0
    quantiles = {}
    for name, q in QUANTILES.items():
        place = q * last
        low = place.astype(np.int64)
        start = at(low)
        quantiles[name] = start + (at(np.minimum(low + 1, last)) - start) * (place - low)
    return Stats(
        min=at(np.zeros_like(last)),
        max=at(last),
        mean=mean,
        std=np.sqrt(np.einsum("sn,sn->s", off, off) / total),
        counts=counts.astype(np.float64),
        steps=values.shape[1],
        quantiles=quantiles,
    )


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


def pooled(parts: Sequence[Stats], quantiles: dict[str, F64]) -> Stats:
    """Statistics over many episodes, from their own ones and the quantiles over them all.

    Mean and deviation by the parallel algorithm of Chan, Golub and LeVeque (1979).
    """
    counts, means, stds = (
        np.stack([getattr(part, name) for part in parts]) for name in ("counts", "mean", "std")
    )
    held = counts > 0.0
    some = held.any(axis=0)
    low = np.where(held, np.stack([part.min for part in parts]), np.inf).min(axis=0)
    high = np.where(held, np.stack([part.max for part in parts]), -np.inf).max(axis=0)
    low, high = np.where(some, low, 0.0), np.where(some, high, 0.0)
    total = np.maximum(counts.sum(axis=0), 1.0)
    mean = (counts * means).sum(axis=0) / total
    spread = stds**2 + (means - mean) ** 2
    return Stats(
        min=low,
        max=high,
        mean=mean,
        std=np.sqrt((counts * spread).sum(axis=0) / total),
        counts=counts.sum(axis=0),
        steps=sum(part.steps for part in parts),
        quantiles={name: np.clip(values, low, high) for name, values in quantiles.items()},
    )
