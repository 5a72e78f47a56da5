"""A robot at its zero configuration: where joints and points are, who carries whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.description import Description, link_frames
from schemas.embodiment_parts import Joint

F64 = NDArray[np.float64]

ROOT = -1


@dataclass(frozen=True)
class Tree:
    """Joints by number, in the description's order; everything in the root link's frame, metres.

    Attributes:
        joints: The description's joints.
        origin, axis: [J, 3].
        parent: Joint that carries each joint, `ROOT` for the root link.
        children: Joints carried by each joint's link; the last entry is the root link's.
        points: Of each link, and last of the root link: [K, 3] named frames' origins.
        mass: Of each link, and last of the root link: [4] centre of mass and mass (kg), 0 unknown.
        names: Of each link, and last of the root link: all its frames' names.
        passive: Joints that follow one which the description lacks.
    """

    joints: tuple[Joint, ...]
    origin: F64
    axis: F64
    parent: tuple[int, ...]
    children: tuple[tuple[int, ...], ...]
    points: tuple[F64, ...]
    mass: F64
    names: tuple[tuple[str, ...], ...]
    passive: frozenset[str] = frozenset()

    def below(self, joint: int) -> list[int]:
        """A joint and all it carries, parents first; of `ROOT`: all joints."""
        found = [] if joint == ROOT else [joint]
        pending = list(self.children[joint])
        while pending:
            here = pending.pop(0)
            found.append(here)
            pending.extend(self.children[here])
        return found

    def above(self, joint: int) -> list[int]:
        """Joints from the root link down to and with this one."""
        chain: list[int] = []
        while joint != ROOT:
            chain.append(joint)
            joint = self.parent[joint]
        return chain[::-1]

    def cloud(self, joint: int) -> F64:
        """[K, 3] all points a joint carries: joints, frames, centres of mass."""
        parts = [self.origin[self.below(joint)]]
        for b in [*self.below(joint), *([ROOT] if joint == ROOT else [])]:
            parts.append(self.points[b])
            if self.mass[b, 3] > 0:
                parts.append(self.mass[b, :3][None])
        return np.concatenate(parts)

    def reach(self, joint: int) -> float:
        """Greatest distance from a joint's origin to a point it carries."""
        away = self.cloud(joint) - self.origin[joint]
        return float(np.linalg.norm(away, axis=1).max())

    def own(self, joint: int) -> bool:
        """Whether a joint moves by itself: one that follows another does not."""
        named = self.joints[joint]
        return named.mimic is None and named.name not in self.passive

    def moves(self, joint: int) -> bool:
        """Whether a joint is one of the body's: its own, or geared to a motor beside it.

        Such a motor sits on either link of the joint and carries nothing but its horn.
        """
        mimic = self.joints[joint].mimic
        if self.own(joint) or mimic is None:
            return self.own(joint)
        motor = next((i for i, j in enumerate(self.joints) if j.name == mimic.joint), None)
        return (
            motor is not None
            and self.parent[motor] in (self.parent[joint], joint)
            and not self.children[motor]
            and any(child != motor for child in self.children[joint])
        )

    def carried_kg(self, joint: int) -> float:
        """Known mass of all that a joint carries."""
        return float(self.mass[self.below(joint), 3].sum())

    def name(self, joints: Sequence[int]) -> tuple[str, ...]:
        """Names of joints."""
        return tuple(self.joints[j].name for j in joints)

    def between(self, start: int, end: int) -> list[int]:
        """Joints walked from one joint's link to another's, in that order."""
        up, down = self.above(start), self.above(end)
        shared = 0
        while shared < min(len(up), len(down)) and up[shared] == down[shared]:
            shared += 1
        return [*up[shared:][::-1], *down[shared:]]


def build_tree_at_zero(description: Description) -> Tree:
    """Place all joints, frames and masses of a robot whose joints are at zero."""
    placed = link_frames(description)
    joints = description.joints
    number = {joint.link: i for i, joint in enumerate(joints)} | {description.root: ROOT}
    count = len(joints)
    children: list[list[int]] = [[] for _ in range(count + 1)]
    points: list[list[F64]] = [[] for _ in range(count + 1)]
    names: list[list[str]] = [[] for _ in range(count + 1)]
    for i, joint in enumerate(joints):
        children[number[joint.parent]].append(i)
    for name, (link, t_link_frame) in description.frames.items():
        points[number[link]].append((placed[link] @ t_link_frame)[:3, 3])
        names[number[link]].append(name)
    mass = np.zeros((count + 1, 4))
    for link, (kilograms, centre) in description.masses.items():
        mass[number[link]] = [*(placed[link] @ np.array([*centre, 1.0]))[:3], kilograms]
    origin = np.array([placed[j.link][:3, 3] for j in joints]).reshape(-1, 3)
    axis = np.array([placed[j.link][:3, :3] @ np.array(j.axis) for j in joints]).reshape(-1, 3)
    return Tree(
        joints=joints,
        origin=origin,
        axis=axis,
        parent=tuple(number[j.parent] for j in joints),
        children=tuple(tuple(c) for c in children),
        points=tuple(np.array(p).reshape(-1, 3) for p in points),
        mass=mass,
        names=tuple(tuple(n) for n in names),
        passive=description.passive,
    )
