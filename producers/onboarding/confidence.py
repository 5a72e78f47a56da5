"""How sure the finder is of each complex, and what a person should look at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from producers.onboarding.split import Split

# Below this a complex is listed for a person.
DOUBTFUL = 0.6


def limb_confidence(split: Split, kind_votes: float, side: float) -> float:
    """Confidence 0..1 of a limb's complexes.

    Args:
        split: Its division: a lead of 1 over the next best middle halves the doubt.
        kind_votes: Lead of arm over leg, or leg over arm.
        side: 0..1 how sure left and right are.
    """
    division = 1.0 - 0.5 * math.exp(-max(split.margin, 0.0))
    kind = 1.0 - 0.5 * math.exp(-max(kind_votes, 0.0))
    agreement = 0.85 + 0.15 * split.named
    return max(0.0, min(1.0, division * kind * agreement * (0.5 + 0.5 * side)))


def trunk_confidence(joints: int, named: float) -> float:
    """Confidence of waist or neck: by the share of their joints whose names say so."""
    return 0.9 if joints == 0 else 0.6 + 0.4 * named
