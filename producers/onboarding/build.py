"""The deterministic way from joint tree and named complexes to an embodiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.alignment import (
    facing,
    flexion_axis,
    hand_from_palm,
    in_mirror,
    long_segment,
    palm_of_fingers,
)
from producers.onboarding.centres import Centre, find_centres, locate
from producers.onboarding.curated import Curated, Palm, Spot
from producers.onboarding.description import Description, link_frames
from producers.onboarding.neutral import find_neutral
from producers.onboarding.split import LENGTH_M
from producers.onboarding.trunk_links import trunk_links
from schemas.body import SIDES, Side
from schemas.embodiment import Embodiment
from schemas.embodiment_parts import EndPose, Hand, Joint, Quat, Segment, Vec
from streams.kernels.frames import inverse, quat_of_rotation

F64 = NDArray[np.float64]

# Enough for 1e-12 m and rad, and the same file on every machine.
_DIGITS = 12
# Hinges of two sides whose axes mirror each other within this cosine flex alike.
_ALIKE = 0.7


def build_embodiment(description: Description, curated: Curated) -> Embodiment:
    """Alignment, centres, key points, limb lengths and neutral pose of a robot."""
    return _Builder(description, curated).build()


class _Builder:
    """Holds what every step needs: the robot at zero configuration, and notes for a person."""

    def __init__(self, description: Description, curated: Curated) -> None:
        self.description = description
        self.curated = curated
        self.placed = link_frames(description)
        self.centres = find_centres(description, curated, self.placed)
        self.pelvis = facing(curated.forward, curated.up)
        self.pelvis_link, self.torso_link = trunk_links(description, curated.complexes)
        self.confirm: list[str] = list(curated.confirm)
        self.orientation: dict[str, tuple[str, F64]] = {}

    def build(self) -> Embodiment:
        """Run all steps; each writes orientations [3, 3] in the root link at zero."""
        self._trunk()
        for side in SIDES:
            self._without_flat(side, ("shoulder", "elbow", "wrist"))
            self._without_flat(side, ("hip", "knee", "ankle"))
            if f"{side}_wrist" in self.centres:
                self._arm(side)
            if f"{side}_ankle" in self.centres:
                self._leg(side)
        c = self.curated
        embodiment = Embodiment(
            id=c.id,
            maker=c.maker,
            source=c.source,
            licence=c.licence,
            kind="full",
            root=self.description.root,
            forward=c.forward,
            up=c.up,
            joints=tuple(self._joint(j) for j in self.description.joints),
            complexes=c.complexes,
            segments=self._segments(),
            hand_pose=self._ends({s: p.spot for s, p in c.palm.items()}),
            foot_pose=self._ends(c.sole),
            limb_length_m=self._lengths(),
            hands=cast(Mapping[str, Hand], c.hands),
            palm={side: palm.source for side, palm in c.palm.items()},
        )
        neutral, offset, notes = find_neutral(embodiment)
        return replace(
            embodiment, neutral=neutral, offset_rad=offset, confirm=(*self.confirm, *notes)
        )

    def _joint(self, joint: Joint) -> Joint:
        lower, upper = self.curated.limits.get(joint.name, (joint.lower, joint.upper))
        return replace(
            joint,
            origin_m=_vec(np.array(joint.origin_m)),
            q_parent_link=_quat(np.array(joint.q_parent_link)),
            axis=_vec(np.array(joint.axis)),
            lower=lower,
            upper=upper,
        )

    def _without_flat(self, side: Side, complexes: tuple[str, str, str]) -> None:
        """Leave out the geometry of a limb whose bones have no length."""
        names = [f"{side}_{name}" for name in complexes]
        if not all(name in self.centres for name in names):
            return
        near, hinge, far = (self.centres[name].point for name in names)
        if min(np.linalg.norm(hinge - near), np.linalg.norm(far - hinge)) > LENGTH_M:
            return
        self.confirm.append(f"{names[1]}: lies where its neighbour does, so the limb is left out")
        for name in names:
            del self.centres[name]
        spots = {"palm": self.curated.palm, "hands": self.curated.hands}
        if complexes[0] == "hip":
            spots = {"sole": self.curated.sole}
        kept = {
            what: {s: spot for s, spot in by_side.items() if s != side}
            for what, by_side in spots.items()
        }
        self.curated = replace(self.curated, **kept)  # type: ignore[arg-type]

    def _trunk(self) -> None:
        chains = self.curated.complexes
        self.orientation["pelvis"] = self.pelvis_link, self.pelvis
        self.orientation["torso"] = self.torso_link, self.pelvis
        if "neck" in self.centres:
            head = self._distal("neck") if chains["neck"] else self.centres["neck"].link
            self.orientation["head"] = head, self.pelvis

    def _arm(self, side: Side) -> None:
        forearm = self._limb(side, ("shoulder", "elbow", "wrist"), ("upper_arm", "forearm"), -1)
        palm = self.curated.palm.get(side)
        normal = None if palm is None else self._palm_normal(side, palm, -forearm[:, 2])
        hand = forearm
        if normal is not None:
            try:
                hand = hand_from_palm(forearm, normal, side)
            except ValueError as error:
                self.confirm.append(f"{error}: taken from the wrist's axes")
        chain = self.curated.complexes[f"{side}_wrist"]
        link = self._distal(f"{side}_wrist") if chain else self.orientation[f"{side}_forearm"][0]
        self.orientation[f"{side}_hand"] = link, hand

    def _leg(self, side: Side) -> None:
        self._limb(side, ("hip", "knee", "ankle"), ("thigh", "shank"), 1)
        chain = self.curated.complexes[f"{side}_ankle"]
        link = self._distal(f"{side}_ankle") if chain else self.orientation[f"{side}_shank"][0]
        self.orientation[f"{side}_foot"] = link, self.pelvis

    def _limb(
        self, side: Side, complexes: tuple[str, str, str], segments: tuple[str, str], y_sign: int
    ) -> F64:
        """Orient the two long segments about a hinge that flexes about y_sign · y."""
        near, hinge, far = (self.centres[f"{side}_{name}"].point for name in complexes)
        flexion = self._flexion(side, complexes, y_sign)
        for segment, bone, complex_name in zip(
            segments, (hinge - near, far - hinge), complexes[:2], strict=True
        ):
            rotation = long_segment(bone, y_sign * flexion)
            link = self._distal(f"{side}_{complex_name}")
            self.orientation[f"{side}_{segment}"] = link, rotation
        return self.orientation[f"{side}_{segments[1]}"][1]

    def _flexion(self, side: Side, complexes: tuple[str, str, str], y_sign: int) -> F64:
        """The hinge's axis of flexion; of two sides that disagree, the clearer one counts."""
        joint, own, clear = self._hinge(side, complexes, y_sign)
        other = SIDES[1 - SIDES.index(side)]
        if all(f"{other}_{name}" in self.centres for name in complexes):
            partner, axis, clearer = self._hinge(other, complexes, y_sign)
            agree = float(in_mirror(axis, self.pelvis) @ own)
            if agree < -_ALIKE and clearer > clear:
                self.confirm.append(
                    f"{joint}: limits differ from {partner}'s, whose flexion counts"
                )
                return -own
        if clear == 0.0:
            self.confirm.append(f"{joint}: limits do not tell which way it flexes")
        return own

    def _hinge(
        self, side: Side, complexes: tuple[str, str, str], y_sign: int
    ) -> tuple[str, F64, float]:
        """A hinge's name, its axis of flexion by its own limits, and how clearly they say so."""
        near, hinge, far = (self.centres[f"{side}_{name}"].point for name in complexes)
        joint = self.description.joint(self.curated.complexes[f"{side}_{complexes[1]}"][0])
        axis = self.placed[joint.link][:3, :3] @ np.array(joint.axis)
        bones = hinge - near, far - hinge
        return joint.name, *flexion_axis(joint, axis, *bones, self.pelvis, y_sign)

    def _palm_normal(self, side: Side, palm: Palm, fingers: F64) -> F64 | None:
        """The palm's normal in the root link; None: as the forearm's elbow axis has it."""
        if palm.normal is not None:
            link, t_link_frame = self.description.frames[palm.spot.frame]
            turned: F64 = (self.placed[link] @ t_link_frame)[:3, :3] @ np.array(palm.normal)
            return turned
        if palm.source != "fingers":
            if palm.source == "wrist_axes":
                self.confirm.append(f"{side} palm: taken from the wrist's axes, imputed")
            return None
        closing = [f for f in self.curated.hands[side].joints if "thumb" not in f.dof]
        joints = [self.description.joint(f.joint) for f in closing]
        axes = np.array([self.placed[j.link][:3, :3] @ np.array(j.axis) for j in joints])
        return palm_of_fingers(axes, np.sign([f.closed - f.open for f in closing]), fingers)

    def _segments(self) -> dict[str, Segment]:
        key = self._key_points()
        return {
            name: Segment(
                link=link,
                q_link_segment=_quat(quat_of_rotation(self.placed[link][:3, :3].T @ rotation)),
                key_link=key[name].link,
                key_point_m=self._in_link(key[name].link, key[name].point),
            )
            for name, (link, rotation) in self.orientation.items()
        }

    def _key_points(self) -> dict[str, Centre]:
        hips = [self.centres[f"{s}_hip"] for s in SIDES if f"{s}_hip" in self.centres]
        pelvis, torso = self.pelvis_link, self.torso_link
        middle = np.mean([h.point for h in hips], axis=0) if hips else self.placed[pelvis][:3, 3]
        key = {
            "pelvis": Centre(pelvis, middle),
            "torso": self.centres.get("waist", Centre(torso, self.placed[torso][:3, 3])),
        }
        if "neck" in self.centres:
            key["head"] = self.centres["neck"]
        for side in SIDES:
            for segment, complex_name in _PROXIMAL.items():
                if f"{side}_{complex_name}" in self.centres:
                    key[f"{side}_{segment}"] = self.centres[f"{side}_{complex_name}"]
        return key

    def _ends(self, spots: Mapping[Side, Spot]) -> dict[str, EndPose]:
        ends: dict[str, EndPose] = {}
        for side, spot in spots.items():
            link, point = locate(self.description, self.placed, spot)
            ends[side] = EndPose(link, self._in_link(link, point))
        return ends

    def _lengths(self) -> dict[str, float]:
        point = {name: centre.point for name, centre in self.centres.items()}
        for part, spots in (
            ("palm", {s: p.spot for s, p in self.curated.palm.items()}),
            ("sole", self.curated.sole),
        ):
            for side, spot in spots.items():
                point[f"{side}_{part}"] = locate(self.description, self.placed, spot)[1]
        return {
            f"{side}_{segment}": round(
                float(np.linalg.norm(point[f"{side}_{far}"] - point[f"{side}_{near}"])), _DIGITS
            )
            for segment, (near, far) in _ENDS.items()
            for side in SIDES
            if f"{side}_{near}" in point and f"{side}_{far}" in point
        }

    def _distal(self, complex_name: str) -> str:
        return self.description.joint(self.curated.complexes[complex_name][-1]).link

    def _in_link(self, link: str, point: F64) -> Vec:
        return _vec((inverse(self.placed[link]) @ np.array([*point, 1.0]))[:3])


_ENDS = {
    "upper_arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "hand": ("wrist", "palm"),
    "thigh": ("hip", "knee"),
    "shank": ("knee", "ankle"),
    "foot": ("ankle", "sole"),
}
_PROXIMAL = {segment: near for segment, (near, _) in _ENDS.items()}


def _vec(values: F64) -> Vec:
    x, y, z = (round(float(v), _DIGITS) + 0.0 for v in values)
    return x, y, z


def _quat(values: F64) -> Quat:
    w, x, y, z = (round(float(v), _DIGITS) + 0.0 for v in values)
    return w, x, y, z
