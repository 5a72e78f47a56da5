"""From what was found, and what a person settled, to all that the builder needs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.alignment import facing
from producers.onboarding.curated import Curated, Palm, Spot, read_parts
from producers.onboarding.description import Description, DescriptionError, link_frames
from producers.onboarding.ends import named_frame, palm_spot, sole_spot, spot_at
from producers.onboarding.facing import AXES
from producers.onboarding.fingers import map_hand, names_fingers
from producers.onboarding.found import Found
from producers.onboarding.split import LENGTH_M, bones
from producers.onboarding.tree import Tree, build_tree_at_zero
from schemas.body import COMPLEX_NAMES, SIDES, Side

F64 = NDArray[np.float64]

_KEYS = (
    "id", "maker", "source", "licence", "description", "forward", "up", "complexes", "torso",
    "head", "left", "right", "limits", "confirm",
)  # fmt: skip
_UNKNOWN_END = (
    "{} {}: nothing tells where it ends; taken straight at zero and as long as the bone before"
)
_HEAD_WORDS = ("head", "neck", "camera", "lidar")


def read_override(path: Path) -> dict[str, Any]:
    """A person's TOML: any of the keys of a curated robot, the others are found."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DescriptionError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DescriptionError(f"{path.name}: not TOML: {error}") from error


def overridden(found: Found, override: Mapping[str, Any], joints: set[str]) -> Found:
    """What was found with facing and complexes as the person has them."""
    _check_keys(override)
    given = override.get("complexes", {})
    if not isinstance(given, Mapping) or (unknown := set(given) - set(COMPLEX_NAMES)):
        raise DescriptionError(f"override: unknown complexes: {sorted(unknown)}")
    if not all(isinstance(listed, list) for listed in given.values()):
        raise DescriptionError("override: a complex is a list of joints, pelvis to hand or foot")
    settled = {name: tuple(listed) for name, listed in given.items()}
    if missing := [j for listed in settled.values() for j in listed if j not in joints]:
        raise DescriptionError(f"override: the description has no joint {missing[0]!r}")
    moved = {j for listed in settled.values() for j in listed}
    rest = {
        name: tuple(j for j in listed if j not in moved) for name, listed in found.complexes.items()
    }
    complexes = {**rest, **settled}
    placed = {j for listed in complexes.values() for j in listed}
    hands = {
        side: tuple(j for j in listed if j not in placed)
        for side, listed in found.hand_joints.items()
    }
    drive = tuple(j for j in found.lift_or_wheels if j not in placed)
    before = {j for g in (*found.complexes.values(), found.ignored) for j in g}
    return replace(
        found,
        id=override.get("id", found.id),
        forward=override.get("forward", found.forward),
        up=override.get("up", found.up),
        complexes=complexes,
        hand_joints=hands,
        lift_or_wheels=drive,
        ignored=tuple(j for j in _in_order(found) if j in before and j not in placed),
        confidence=dict(found.confidence) | dict.fromkeys(settled, 1.0),
        confirm=tuple(n for n in found.confirm if n.split(":")[0] not in settled),
    )


def _check_keys(override: Mapping[str, Any]) -> None:
    """Refuse what nobody would read, and axes that are none."""
    if unknown := sorted(set(override) - set(_KEYS)):
        known = ", ".join(_KEYS)
        raise DescriptionError(f"override: unknown key {unknown[0]!r}; known: {known}")
    for key in ("forward", "up"):
        if key in override and override[key] not in AXES:
            raise DescriptionError(f"override: {key} is one of {', '.join(AXES)}")


def _in_order(found: Found) -> list[str]:
    return [*found.ignored, *(j for listed in found.complexes.values() for j in listed)]


def settle(description: Description, found: Found, override: Mapping[str, Any]) -> Curated:
    """Spots, palms, soles and hands of a found robot; what the override gives comes first."""
    tree, placed = build_tree_at_zero(description), link_frames(description)
    number = {joint.name: i for i, joint in enumerate(tree.joints)}
    up = facing(found.forward, found.up)[:, 2]
    notes = list(found.confirm)
    wrist: dict[Side, Spot] = {}
    ankle: dict[Side, Spot] = {}
    palm: dict[Side, Palm] = {}
    sole: dict[Side, Spot] = {}
    hands: dict[Side, Any] = {}
    given = read_parts(override)
    for side in SIDES:
        arm = _chain(found, side, ("shoulder", "elbow", "wrist"), number)
        if arm is not None:
            if len(arm[2]) < 2:
                wrist[side], known = _far_end(description, tree, placed, arm)
                notes.extend(
                    [] if known or side in given.wrist else [_UNKNOWN_END.format(side, "forearm")]
                )
            fingers = [number[j] for j in found.hand_joints[side]]
            hand, doubts = map_hand(description, tree, fingers, side)
            notes.extend([] if side in given.hands else doubts)
            if hand is not None:
                hands[side] = hand
            spot, source = palm_spot(description, tree, placed, arm[2] or arm[1], fingers)
            kind = "fingers" if names_fingers(hand) else "wrist_axes"
            if hand is not None and hand.kind == "gripper":
                kind = "gripper"
            palm[side] = Palm(spot, kind, None)  # type: ignore[arg-type]
            if side not in given.palm:
                notes.append(f"{side} palm: at the {source}")
        leg = _chain(found, side, ("hip", "knee", "ankle"), number)
        if leg is not None:
            if not leg[2]:
                ankle[side], known = _far_end(description, tree, placed, leg)
                notes.extend(
                    [] if known or side in given.ankle else [_UNKNOWN_END.format(side, "shank")]
                )
            link = tree.joints[(*leg[1], *leg[2])[-1]].link
            sole[side], source = sole_spot(description, placed, link, up)
            if side not in given.sole:
                notes.append(f"{side} sole: at the {source}")
    head = None if found.complexes["neck"] else _head(description, found)
    return Curated(
        id=found.id,
        maker=override.get("maker", ""),
        source=override.get("source", ""),
        licence=override.get("licence", ""),
        forward=found.forward,
        up=found.up,
        complexes=found.complexes,
        torso=given.torso,
        head=given.head or head,
        wrist=wrist | dict(given.wrist),
        ankle=ankle | dict(given.ankle),
        palm=palm | dict(given.palm),
        sole=sole | dict(given.sole),
        hands=hands | dict(given.hands),
        limits=given.limits,
        confirm=(*given.confirm, *notes),
    )


def _chain(
    found: Found, side: Side, parts: tuple[str, str, str], number: Mapping[str, int]
) -> tuple[list[int], list[int], list[int]] | None:
    """Joint numbers of a limb by part; None without a proximal part or a middle hinge."""
    near, hinge, far = ([number[j] for j in found.complexes[f"{side}_{p}"]] for p in parts)
    return (near, hinge, far) if near and hinge else None


def _far_end(
    description: Description,
    tree: Tree,
    placed: Mapping[str, F64],
    limb: tuple[list[int], list[int], list[int]],
) -> tuple[Spot, bool]:
    """End of a limb's distal bone, and whether the description tells it.

    Where nothing is known beyond the hinge, the limb goes straight on at zero, as far again.
    """
    near, hinge, far = limb
    b = bones(tree, (*near, *hinge, *far), len(near))
    known = bool(np.linalg.norm(b.far - b.hinge) > LENGTH_M)
    end = b.far if known else 2.0 * b.hinge - b.near
    return spot_at(description, placed, tree.joints[hinge[-1]].link, end), known


def _head(description: Description, found: Found) -> Spot | None:
    """A frame named as the head on the link that carries the arms."""
    first = [found.complexes[f"{side}_shoulder"][:1] for side in SIDES]
    torso = [description.joint(j).parent for names in first for j in names]
    return named_frame(description, torso, _HEAD_WORDS)
