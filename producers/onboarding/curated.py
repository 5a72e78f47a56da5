"""All that the builder needs to know of a robot, and the parts of it that a person may settle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from producers.onboarding.description import DescriptionError
from schemas.body import COMPLEX_NAMES, SIDES, Side
from schemas.embodiment_parts import FingerJoint, Hand, Vec

PalmSource = Literal["fingers", "gripper", "wrist_axes", "none"]


@dataclass(frozen=True, slots=True)
class Spot:
    """A point in any frame (link, moving or fixed) of the description."""

    frame: str
    point_m: Vec = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Palm:
    """Centre of a palm, and its outward normal in that frame where the fingers do not tell it."""

    spot: Spot
    source: PalmSource
    normal: Vec | None


@dataclass(frozen=True)
class Curated:
    """Facing, complexes in chain order, ends of limbs, hands.

    Attributes:
        torso: Where a torso without waist joints begins.
        head: Where a head without a neck sits.
        wrist: End of the forearm of an arm without wrist joints, by side.
        ankle: End of the shank of a leg without ankle joints, by side.
        palm, sole, hands: By side.
        limits: Position limits that replace the description's, by joint.
    """

    id: str
    maker: str
    source: str
    licence: str
    forward: str
    up: str
    complexes: Mapping[str, tuple[str, ...]]
    torso: Spot | None
    head: Spot | None
    wrist: Mapping[Side, Spot]
    ankle: Mapping[Side, Spot]
    palm: Mapping[Side, Palm]
    sole: Mapping[Side, Spot]
    hands: Mapping[Side, Hand]
    limits: Mapping[str, tuple[float, float]]
    confirm: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """Those parts of a curated robot that any override may give alone; see `Curated`."""

    torso: Spot | None
    head: Spot | None
    wrist: Mapping[Side, Spot]
    ankle: Mapping[Side, Spot]
    palm: Mapping[Side, Palm]
    sole: Mapping[Side, Spot]
    hands: Mapping[Side, Hand]
    limits: Mapping[str, tuple[float, float]]
    confirm: tuple[str, ...]


def read_parts(data: Mapping[str, Any]) -> Parts:
    """Spots, palms, soles, hands and limits of a parsed TOML; raises DescriptionError."""
    try:
        if unknown := set(data.get("complexes", {})) - set(COMPLEX_NAMES):
            raise DescriptionError(f"unknown complexes: {sorted(unknown)}")
        sides: dict[Side, Mapping[str, Any]] = {side: data.get(side, {}) for side in SIDES}
        return Parts(
            torso=_spot(data["torso"]) if "torso" in data else None,
            head=_spot(data["head"]) if "head" in data else None,
            wrist={side: _spot(d["wrist"]) for side, d in sides.items() if "wrist" in d},
            ankle={side: _spot(d["ankle"]) for side, d in sides.items() if "ankle" in d},
            palm={side: _palm(d["palm"]) for side, d in sides.items() if "palm" in d},
            sole={side: _spot(d["sole"]) for side, d in sides.items() if "sole" in d},
            hands={side: _hand(d["hand"]) for side, d in sides.items() if "hand" in d},
            limits={j: (float(a), float(b)) for j, (a, b) in data.get("limits", {}).items()},
            confirm=tuple(data.get("confirm", ())),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, DescriptionError):
            raise
        raise DescriptionError(f"override: {error!r}") from error


def _spot(data: Mapping[str, Any]) -> Spot:
    x, y, z = data.get("point_m", (0.0, 0.0, 0.0))
    return Spot(data["frame"], (float(x), float(y), float(z)))


def _palm(data: Mapping[str, Any]) -> Palm:
    normal = data.get("normal")
    return Palm(_spot(data), data["source"], None if normal is None else tuple(normal))


def _hand(data: Mapping[str, Any]) -> Hand:
    return Hand(data["kind"], tuple(FingerJoint(**joint) for joint in data.get("joints", ())))
