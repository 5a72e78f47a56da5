"""Hand-made robots of every shape, as URDF text, with the complexes that they have."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from schemas.body import COMPLEX_NAMES

Vec = tuple[float, float, float]
X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
DOWN, AHEAD = (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)
# Direction of upper arm and forearm at zero, and the elbow's axis, of a left arm.
POSES: dict[str, tuple[Vec, Vec, Vec]] = {
    "arms-down": (DOWN, DOWN, (0.0, -1.0, 0.0)),
    "T-pose": (Y, Y, (0.0, 0.0, -1.0)),
    "arms-forward": (AHEAD, AHEAD, (0.0, -1.0, 0.0)),
    "elbows-bent": (DOWN, AHEAD, (0.0, -1.0, 0.0)),
}


@dataclass
class Made:
    """Links and joints placed in one frame at zero, x forward; `yaw` turns the whole robot."""

    yaw: float = 0.0
    text: list[str] = field(default_factory=list)
    place: dict[str, np.ndarray] = field(default_factory=dict)
    complexes: dict[str, list[str]] = field(
        default_factory=lambda: {name: [] for name in COMPLEX_NAMES}
    )
    other: dict[str, list[str]] = field(
        default_factory=lambda: {"lift_or_wheels": [], "left": [], "right": []}
    )

    def turned(self, v: Vec | np.ndarray) -> np.ndarray:
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        out: np.ndarray = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array(v)
        return out

    def link(self, name: str, at: np.ndarray, centre: Vec | None = None) -> None:
        self.place[name] = np.array(at, dtype=float)
        mass = ""
        if centre is not None:
            x, y, z = self.turned(centre)
            mass = f'<inertial><origin xyz="{x} {y} {z}"/><mass value="1"/></inertial>'
        self.text.append(f'<link name="{name}">{mass}</link>')

    def joint(
        self,
        name: str,
        parent: str,
        at: np.ndarray,
        axis: Vec,
        limits: tuple[float, float] | None = (-1.5, 1.5),
        kind: str = "revolute",
        centre: Vec | None = None,
        extra: str = "",
    ) -> str:
        """Add a joint at a place of the common frame, and the link it moves; its link's name."""
        child = f"{name}_link"
        self.link(child, np.array(at), centre)
        x, y, z = self.turned(np.array(at) - self.place[parent])
        ax = " ".join(f"{a:.12g}" for a in self.turned(axis))
        limit = "" if limits is None else f'<limit lower="{limits[0]}" upper="{limits[1]}"/>'
        kind = "continuous" if limits is None else kind
        self.text.append(
            f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
            f'<origin xyz="{x} {y} {z}"/><axis xyz="{ax}"/>{limit}{extra}</joint>'
        )
        return child

    def write(self, folder: Path) -> Path:
        file = folder / "made.urdf"
        file.write_text(f'<robot name="made">{"".join(self.text)}</robot>', encoding="utf-8")
        return file


def _sided(v: Vec, left: bool) -> np.ndarray:
    return np.array(v) * (1.0, 1.0 if left else -1.0, 1.0)


def arm(
    r: Made,
    torso: str,
    side: str,
    pose: str = "arms-down",
    wrist: int = 3,
    clavicle: bool = False,
    opposed: bool = False,
    hand: str = "",
    named: bool = True,
    proximal: int = 3,
    at: Vec = (0.0, 0.2, 0.5),
) -> None:
    """An arm of shoulder, elbow and some wrist joints, and a hand or gripper or nothing."""
    left = side == "left"
    sign = 1.0 if left or not opposed else -1.0
    upper, lower, flex = POSES[pose]
    upper, lower = _sided(upper, left), _sided(lower, left)
    # A mirrored rotation: the axis is mirrored as a pseudo-vector.
    hinge = np.array(flex) if left else np.array(flex) * (-1.0, 1.0, -1.0)
    shoulder = _sided(at, left)
    elbow, end = shoulder + 0.3 * upper, shoulder + 0.3 * upper + 0.25 * lower
    first = np.array(Y) if abs(upper[1]) < 0.5 else np.array(Z)
    plan = [("shoulder_pitch", shoulder, first), ("shoulder_roll", shoulder, np.array(X))]
    if abs(upper[0]) > 0.5:
        plan[1] = ("shoulder_roll", shoulder, np.array(Z))
    plan.append(("shoulder_yaw", shoulder + 0.1 * upper, upper))
    plan = plan[:proximal]
    if clavicle:
        plan.insert(0, ("clavicle", shoulder * (1.0, 0.3, 1.0), np.array(Z)))
    middle = len(plan)
    plan.append(("elbow", elbow, hinge))
    square = np.cross(lower, hinge)
    wrists = [("wrist_roll", elbow + 0.1 * lower, lower), ("wrist_pitch", end, hinge),
              ("wrist_yaw", end, square)]  # fmt: skip
    plan += wrists[:wrist]
    parent = torso
    for i, (name, place, axis) in enumerate(plan):
        full = f"{side}_{name}" if named else f"{side}_joint{i}"
        part = "shoulder" if i < middle else "elbow" if i == middle else "wrist"
        r.complexes[f"{side}_{part}"].append(full)
        limits = (0.0, 2.4) if i == middle else (-1.5, 1.5)
        x, y, z = sign * axis
        if sign < 0:
            limits = (-limits[1], -limits[0])
        reach = 0.08 * lower if i == len(plan) - 1 else 0.04 * lower
        parent = r.joint(full, parent, place, (x, y, z), limits, centre=tuple(reach))
    _hand(r, parent, side, hand, r.place[parent] + 0.08 * lower, lower, hinge)


def _hand(
    r: Made, wrist: str, side: str, hand: str, palm: np.ndarray, along: np.ndarray, axis: np.ndarray
) -> None:
    if hand == "gripper":
        for i, out in enumerate((1.0, -1.0)):
            x, y, z = out * axis
            name = f"{side}_jaw_{i}"
            r.joint(name, wrist, palm + 0.02 * out * axis, (x, y, z), (0.0, 0.04), "prismatic")
            r.other[side].append(name)
    if hand == "fingers":
        for i, finger in enumerate(("thumb", "index", "middle")):
            parent, place = wrist, palm + (i - 1) * 0.02 * np.cross(along, axis)
            for k in range(2):
                name = f"{side}_{finger}_{k}"
                extra = "" if k == 0 else f'<mimic joint="{side}_{finger}_0"/>'
                x, y, z = axis
                parent = r.joint(
                    name, parent, place + 0.04 * k * along, (x, y, z), (0, 1.5), extra=extra
                )
            r.other[side].append(f"{side}_{finger}_0")


def leg(r: Made, pelvis: str, side: str, opposed: bool = False, ankle: int = 2) -> None:
    """A leg of hip pitch, roll, yaw, knee and some ankle joints; its foot reaches forward."""
    left = side == "left"
    sign = 1.0 if left or not opposed else -1.0
    hip = _sided((0.0, 0.1, -0.05), left)
    knee, sole = hip - 0.4 * np.array(Z), hip - 0.8 * np.array(Z)
    plan = [("hip", "hip_pitch", hip, Y), ("hip", "hip_roll", hip, X), ("hip", "hip_yaw", hip, Z),
            ("knee", "knee", knee, Y),
            ("ankle", "ankle_pitch", sole, Y), ("ankle", "ankle_roll", sole, X)]  # fmt: skip
    parent = pelvis
    for part, name, place, axis in plan[: 4 + ankle]:
        full = f"{side}_{name}"
        limits = (0.0, 2.2) if part == "knee" else (-0.8, 0.8)
        if sign < 0:
            limits = (-limits[1], -limits[0])
        x, y, z = (sign * a for a in axis)
        toe = (0.06, 0.0, -0.03) if part == "ankle" else (0.0, 0.0, -0.2)
        parent = r.joint(full, parent, place, (x, y, z), limits, centre=toe)
        r.complexes[f"{side}_{part}"].append(full)


def head(r: Made, torso: str) -> None:
    """A neck of yaw and pitch in the middle."""
    at = np.array((0.0, 0.0, 0.6))
    link = r.joint("head_yaw", torso, at, Z)
    r.joint("head_pitch", link, at + 0.05 * np.array(Z), Y, centre=(0.03, 0.0, 0.08))
    r.complexes["neck"] = ["head_yaw", "head_pitch"]


def waist(r: Made, pelvis: str) -> str:
    """A waist of yaw and pitch; the torso's link."""
    at = np.array((0.0, 0.0, 0.1))
    link = r.joint("waist_yaw", pelvis, at, Z)
    r.complexes["waist"] = ["waist_yaw", "waist_pitch"]
    return r.joint("waist_pitch", link, at, Y, centre=(0.0, 0.0, 0.3))


def humanoid(
    pose: str = "arms-down",
    yaw: float = 0.0,
    opposed: bool = False,
    wrist: int = 3,
    clavicle: bool = False,
    hand: str = "",
    named: bool = True,
) -> Made:
    """Pelvis-rooted, with waist, neck, arms and legs."""
    r = Made(yaw)
    r.link("pelvis", np.zeros(3), (0.0, 0.0, 0.0))
    torso = waist(r, "pelvis")
    for side in ("left", "right"):
        leg(r, "pelvis", side, opposed)
    for side in ("left", "right"):
        arm(r, torso, side, pose, wrist, clavicle, opposed, hand, named)
    head(r, torso)
    return r


def torso_rooted() -> Made:
    """The waist's joints lie below the root, and carry the legs."""
    r = Made()
    r.link("torso", np.zeros(3), (0.0, 0.0, 0.3))
    for side in ("left", "right"):
        arm(r, "torso", side)
    head(r, "torso")
    at = np.array((0.0, 0.0, 0.1))
    link = r.joint("waist_pitch", "torso", at, Y)
    pelvis = r.joint("waist_yaw", link, at, Z)
    r.complexes["waist"] = ["waist_yaw", "waist_pitch"]
    for side in ("left", "right"):
        leg(r, pelvis, side)
    return r


def wheeled(hand: str = "gripper") -> Made:
    """Two driven wheels, a lift, a waist, arms with grippers, a head."""
    r = Made()
    r.link("base", np.zeros(3), (0.0, 0.0, 0.1))
    for side, y in (("left", 0.2), ("right", -0.2)):
        r.joint(f"{side}_wheel", "base", np.array((0.0, y, -0.5)), Y, None)
    lifted = r.joint("lift", "base", np.array((0.0, 0.0, 0.05)), Z, (0.0, 0.5), "prismatic")
    torso = r.joint("torso_yaw", lifted, np.array((0.0, 0.0, 0.1)), Z, centre=(0.0, 0.0, 0.3))
    r.complexes["waist"] = ["torso_yaw"]
    r.other["lift_or_wheels"] = ["left_wheel", "right_wheel", "lift"]
    for side in ("left", "right"):
        arm(r, torso, side, hand=hand)
    head(r, torso)
    return r


def only(limbs: str, wrist: int = 3, proximal: int = 3) -> Made:
    """Legs alone, or arms alone."""
    r = Made()
    r.link("base", np.zeros(3), (0.0, 0.0, 0.0))
    for side in ("left", "right"):
        if limbs == "legs":
            leg(r, "base", side)
        else:
            arm(r, "base", side, wrist=wrist, proximal=proximal)
    return r


def on_rails() -> Made:
    """Each arm on a vertical slide of its own."""
    r = Made()
    r.link("base", np.zeros(3), (0.0, 0.0, 0.0))
    for side, y in (("left", 0.15), ("right", -0.15)):
        at = np.array((0.0, y, 0.4))
        link = r.joint(f"{side}_rail", "base", at, Z, (0.0, 0.5), "prismatic")
        r.other["lift_or_wheels"].append(f"{side}_rail")
        arm(r, link, side)
    return r


def hand_alone() -> Made:
    """Four fingers of three joints, whose names say no side of a body."""
    r = Made()
    r.link("palm", np.zeros(3), (0.0, 0.0, 0.0))
    for i, finger in enumerate(("ff", "mf", "rf", "lf")):
        parent, place = "palm", np.array((0.0, 0.02 * i, 0.1))
        for k in range(3):
            at = place + 0.03 * k * np.array(Z)
            parent = r.joint(f"{finger}{k}", parent, at, X, (0.0, 1.5), centre=(0.0, 0.0, 0.02))
    return r
