"""A described robot told otherwise: other names, another language, another root; same body."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from producers.onboarding.alignment import facing
from producers.onboarding.description import Description
from producers.onboarding.facing import axis_name
from producers.onboarding.names import tokens
from streams.kernels.frames import frame, quat_of_rotation, rotation_about, rotation_of_quat

# shoulder elbow wrist arm hip knee ankle leg waist neck head hand finger left right
_ENGLISH = (
    "shoulder", "elbow", "wrist", "arm", "hip", "knee", "ankle", "leg", "waist", "neck", "head",
    "hand", "finger", "left", "right",
)  # fmt: skip
LANGUAGES = {
    "pinyin": "jian zhou wan bi kuan xi huai tui yao jing tou shou zhi zuo you",
    "japanese": "kata hiji tekubi ude koshi hiza ashikubi ashi youtsui kubi atama te yubi hidari "
    "migi",
    "german": "schulter ellbogen handgelenk arm huefte knie knoechel bein taille hals kopf hand "
    "finger links rechts",
    "french": "epaule coude poignet bras hanche genou cheville jambe taille cou tete main doigt "
    "gauche droite",
    "spanish": "hombro codo muneca brazo cadera rodilla tobillo pierna cintura cuello cabeza mano "
    "dedo izquierda derecha",
    "italian": "spalla gomito polso braccio anca ginocchio caviglia gamba vita collo testa mano "
    "dito sinistra destra",
    "animator": "upperarm lowerarm hand arm thigh calf foot leg spine neck head palm finger l r",
}
_SYNONYM = {"torso": "waist", "trunk": "waist", "forearm": "wrist", "thigh": "hip", "calf": "knee",
            "l": "left", "r": "right"}  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """A told-otherwise robot.

    Attributes:
        description: What the finder is given.
        renamed: New name of every joint.
        turned: [3, 3] new root frame <- old root frame.
    """

    description: Description
    renamed: Mapping[str, str]
    turned: np.ndarray

    def truth(self, truth: Mapping[str, Any]) -> dict[str, Any]:
        """The hand-read truth of the robot as it is told now."""

        def new(joints: list[str]) -> list[str]:
            return [self.renamed.get(j, j) for j in joints]

        pelvis = self.turned @ facing(truth["forward"], truth["up"])
        return {
            **truth,
            "forward": axis_name(pelvis[:, 0]),
            "up": axis_name(pelvis[:, 2]),
            "complexes": {k: new(v) for k, v in truth["complexes"].items()},
            "hand_joints": {k: new(v) for k, v in truth["hand_joints"].items()},
            "lift_or_wheels": new(truth["lift_or_wheels"]),
        }


Vary = Callable[[Description], Variant]


def as_told(description: Description) -> Variant:
    """The robot as its file has it."""
    return Variant(description, {}, np.eye(3))


def anonymous(description: Description) -> Variant:
    """Joints and links numbered in the file's order."""
    return _renamed(
        description,
        {j.name: f"joint{i}" for i, j in enumerate(description.joints, 1)},
        {name: f"link{i}" for i, name in enumerate(description.frames)},
    )


def anonymous_links(description: Description) -> Variant:
    """Joints keep their names, links lose theirs."""
    return _renamed(
        description, {}, {name: f"link{i}" for i, name in enumerate(description.frames)}
    )


def in_language(language: str) -> Vary:
    """Words of the body and of sides in another language, joined by underscores."""
    words = dict(zip(_ENGLISH, LANGUAGES[language].split(), strict=True))

    def told(name: str) -> str:
        parts = re.findall(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
        said = [_SYNONYM.get(p.lower(), p.lower()) for p in parts]
        return "_".join(words.get(p, p) for p in said)

    return lambda d: _renamed(
        d, _distinct(told, [j.name for j in d.joints]), _distinct(told, d.frames)
    )


def cut_short(description: Description) -> Variant:
    """Three letters of each word, as on a narrow plate: `LefShoPit`."""

    def told(name: str) -> str:
        return "".join(t[:3].capitalize() for t in tokens(name)) + "".join(re.findall(r"\d+", name))

    d = description
    return _renamed(d, _distinct(told, [j.name for j in d.joints]), _distinct(told, d.frames))


def in_a_namespace(description: Description) -> Variant:
    """A prefix before every name, with a side's and a body's word in it."""

    def told(name: str) -> str:
        return f"lab/right_cell/arm_robot/{name}"

    d = description
    return _renamed(d, _distinct(told, [j.name for j in d.joints]), _distinct(told, d.frames))


def turned(axis: tuple[float, float, float], angle_rad: float) -> Vary:
    """The root frame turned; nothing else."""

    def vary(d: Description) -> Variant:
        rotation = np.round(rotation_about(np.array(axis), angle_rad))
        joints = tuple(
            replace(
                j,
                origin_m=tuple(rotation @ np.array(j.origin_m)),
                q_parent_link=tuple(quat_of_rotation(rotation @ rotation_of_quat(j.q_parent_link))),
            )
            if j.parent == d.root
            else j
            for j in d.joints
        )
        move = frame(rotation, np.zeros(3))
        frames = {
            name: (link, move @ t if link == d.root else t) for name, (link, t) in d.frames.items()
        }
        masses = {
            link: (kg, rotation @ centre if link == d.root else centre)
            for link, (kg, centre) in d.masses.items()
        }
        return Variant(replace(d, joints=joints, frames=frames, masses=masses), {}, rotation)

    return vary


def _distinct(told: Callable[[str], str], names: Any) -> dict[str, str]:
    """New names; those that would fall together keep a number of their own."""
    found: dict[str, str] = {}
    for name in names:
        new = told(name)
        while new in found.values():
            new += "_b"
        found[name] = new
    return found


def _renamed(d: Description, joint: Mapping[str, str], link: Mapping[str, str]) -> Variant:
    links = {**{j.link: j.link for j in d.joints}, d.root: d.root, **link}
    joints = tuple(
        replace(
            j,
            name=joint.get(j.name, j.name),
            parent=links[j.parent],
            link=links[j.link],
            mimic=None
            if j.mimic is None
            else replace(j.mimic, joint=joint.get(j.mimic.joint, j.mimic.joint)),
        )
        for j in d.joints
    )
    return Variant(
        replace(
            d,
            root=links[d.root],
            joints=joints,
            frames={links[name]: (links[on], t) for name, (on, t) in d.frames.items()},
            masses={links[on]: mass for on, mass in d.masses.items()},
            passive=frozenset(joint.get(name, name) for name in d.passive),
        ),
        joint,
        np.eye(3),
    )


VARIANTS: Mapping[str, Vary] = {
    "as told": as_told,
    "links anonymous": anonymous_links,
    "all anonymous": anonymous,
    "in a namespace": in_a_namespace,
    "cut short": cut_short,
    **{language: in_language(language) for language in LANGUAGES},
    "turned about z by 90": turned((0, 0, 1), np.pi / 2),
    "turned about z by 180": turned((0, 0, 1), np.pi),
    "turned about z by 270": turned((0, 0, 1), -np.pi / 2),
    "y up": turned((1, 0, 0), -np.pi / 2),
    "upside down": turned((1, 0, 0), np.pi),
}
