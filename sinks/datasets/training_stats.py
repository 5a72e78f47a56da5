"""Statistics of the training split: counted while its rows are written, refined from files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sinks.datasets.columns import INDEX_FEATURES
from sinks.datasets.plan import DatasetPlan
from sinks.datasets.quantiles import FloatQuantiles, Quantiles, RunQuantiles, WholeQuantiles
from sinks.datasets.signals import ACTION, STATE, VALID, Feature
from sinks.datasets.stats import (
    Mask,
    Planes,
    Pool,
    Stats,
    episode_stats,
    split,
)

STATS = "stats"
MASKED = (STATE, ACTION)


class TrainingStats:
    """Of the episodes of the training split, or of the first split where none is called `train`."""

    def __init__(self, plan: DatasetPlan) -> None:
        first, stop = plan.splits.get("train", next(iter(plan.splits.values())))
        self._span = range(first, stop)
        index = [Feature(name, dtype, (name,)) for name, dtype in INDEX_FEATURES.items()]
        self.counted = (*(f for f in plan.signals.features if f.counted), *index)
        self.validity = next((f for f in plan.signals.features if f.name == VALID), None)
        self._quantiles = {feature.name: _quantiles(feature) for feature in self.counted}
        self._pools = {feature.name: Pool(len(feature.names)) for feature in self.counted}

    @property
    def refined(self) -> list[Feature]:
        """The features that `refine` wants to see."""
        own = [f for f in self.counted if isinstance(self._quantiles[f.name], FloatQuantiles)]
        return own if self.validity is None else [*own, self.validity]

    def episode(self, episode: int, planes: Mapping[str, Planes]) -> dict[str, Stats]:
        """An episode's own statistics; its numbers are counted where it is of the split."""
        valid = planes.get(VALID)
        masks = {f.name: _mask(f.name, valid) for f in self.counted}
        if episode in self._span:
            for name, quantiles in self._quantiles.items():
                quantiles.count(planes[name], masks[name])
        found: dict[str, Stats] = {}
        for dtype in ("float32", "int64"):
            # Together: what is asked of each array costs more than its numbers where they are few.
            own = [f.name for f in self.counted if f.dtype == dtype]
            together = np.concatenate([planes[name] for name in own])
            counted = None
            if valid is not None and any(masks[name] is not None for name in own):
                counted = np.concatenate(
                    [_whole(planes[n]) if (m := masks[n]) is None else m for n in own]
                )
            stats = episode_stats(together, counted)
            found |= zip(own, split(stats, [len(planes[name]) for name in own]), strict=True)
        if episode in self._span:
            for name, own_stats in found.items():
                self._pools[name].add(own_stats)
        return {f.name: found[f.name] for f in self.counted}

    def wants(self, episode: int) -> bool:
        """Whether an episode is of the split."""
        return episode in self._span

    def refine(self, planes: Mapping[str, Planes]) -> None:
        """The second pass over an episode of the split, once all were counted."""
        valid = planes.get(VALID)
        for feature in self.refined:
            if feature.name != VALID:
                own = planes[feature.name]
                self._quantiles[feature.name].refine(own, _mask(feature.name, valid))

    def stats(self) -> dict[str, Stats]:
        """By feature, once every episode of the split was counted and refined."""
        return {name: self._pools[name].stats(q.values()) for name, q in self._quantiles.items()}


def _quantiles(feature: Feature) -> Quantiles:
    if feature.name == "index":
        return RunQuantiles()
    whole = feature.dtype == "int64"
    return WholeQuantiles() if whole else FloatQuantiles(len(feature.names))


def _whole(planes: Planes) -> Mask:
    return np.ones(planes.shape, np.bool_)


def _mask(feature: str, valid: npt.NDArray[np.generic] | None) -> Mask | None:
    """What counts of a feature: of an absent DoF nothing does."""
    return None if valid is None or feature not in MASKED else valid.astype(np.bool_)
