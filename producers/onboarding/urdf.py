"""Read a URDF: joint tree and centres of mass, fixed joints folded; shapes are not looked at.

mujoco's URDF importer drops velocity limits, mimic rules and fixed frames, which all count here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.attributes import attribute, numbers, scalar
from producers.onboarding.description import (
    Description,
    DescriptionError,
    add_mass,
)
from producers.onboarding.guard import first_tag
from producers.onboarding.markup import read_markup
from producers.onboarding.mimics import mend_mimics
from schemas.embodiment_parts import Joint, Mimic
from streams.kernels.frames import frame, quat_of_rotation, rotation_about

F64 = NDArray[np.float64]

# Kinds that no single value moves are rigid.
_RIGID = ("fixed", "floating", "planar", "spherical", "ball")
_MOVING = {"revolute": "revolute", "continuous": "revolute", "prismatic": "prismatic"}
# A velocity limit of 0 means 'not set', 100 rad/s or more is a dummy, and so is such an effort.
_VELOCITY_DUMMY = 100.0
_EFFORT_DUMMY = 1000.0


def read_urdf(path: Path) -> Description:
    """Read a URDF file; raises DescriptionError where it holds no tree of known joints."""
    if (tag := first_tag(path)) != "robot":
        raise DescriptionError(f"{path.name}: <{tag}> is not a URDF's <robot>")
    root = read_markup(path)
    elements = root.findall("joint")
    notes: list[str] = []
    inertials: dict[str, ElementTree.Element | None] = {}
    for link in root.findall("link"):
        if (named := attribute(link, "name")) in inertials:
            notes.append(f"link {named!r} is listed twice: its first figures are read")
        inertials.setdefault(named, link.find("inertial"))
    children = {_child(e): e for e in elements}
    if len(children) != len(elements):
        raise DescriptionError(f"{path.name}: a link has two parents")
    for element in elements:
        for end in (_parent(element), _child(element)):
            if end not in inertials:
                where = f"joint {element.get('name')} names link {end!r}"
                notes.append(f"{where}, which is not described: read as an empty one")
                inertials[end] = None
    if templates := sum(1 for e in root.iter() if "xacro" in str(e.tag)):
        notes.append(
            f"{templates} xacro elements are not read: expand the file first if a part is missing"
        )
    by_parent: dict[str, list[ElementTree.Element]] = {}
    for element in elements:
        by_parent.setdefault(_parent(element), []).append(element)
    roots = [link for link in inertials if link not in children]
    below = {link: _below(link, by_parent) for link in roots}
    if sum(below.values()) != len(elements):
        raise DescriptionError(f"{path.name}: joints go round in a circle, so they form no tree")
    if not below or not elements:
        raise DescriptionError("; ".join([f"{path.name}: no moving joint", *notes]))
    top = max(below, key=lambda link: below[link])
    notes += [f"link {link!r} hangs on nothing: left out" for link in roots if link != top]
    name = root.get("name", path.stem)
    description = _fold(name, _under_free(top, by_parent), by_parent, inertials)
    return mend_mimics(replace(description, notes=(*description.notes, *notes)))


def _below(root: str, by_parent: Mapping[str, Sequence[ElementTree.Element]]) -> int:
    """Number of joints of the tree below a link."""
    count, pending = 0, [root]
    while pending:
        carried = by_parent.get(pending.pop(), [])
        count += len(carried)
        pending += [_child(e) for e in carried]
    return count


def _under_free(root: str, by_parent: Mapping[str, Sequence[ElementTree.Element]]) -> str:
    """The robot's own root under floating or planar joints of its base."""
    while [_kind(e) for e in by_parent.get(root, [])] in (["floating"], ["planar"]):
        root = _child(by_parent[root][0])
    return root


def _fold(
    name: str,
    root: str,
    by_parent: Mapping[str, Sequence[ElementTree.Element]],
    inertials: Mapping[str, ElementTree.Element | None],
) -> Description:
    """Walk the tree depth first in the file's order; fixed joints move into the frames."""
    masses: dict[str, tuple[float, F64]] = {}
    notes: list[str] = []
    frames: dict[str, tuple[str, F64]] = {root: (root, np.eye(4))}
    joints: list[Joint] = []
    pending = [*reversed(by_parent.get(root, []))]
    while pending:
        element = pending.pop()
        moving, t_moving_parent = frames[_parent(element)]
        t_moving_child = t_moving_parent @ _origin(element)
        child, kind, told = _child(element), _kind(element), attribute(element, "name")
        if kind in _RIGID or (kind in _MOVING and not any(_axis(element))):
            frames[child] = (moving, t_moving_child)
            if kind != "fixed":
                what = f"a {kind} joint" if kind in _RIGID else "its axis is zero"
                notes.append(f"{told}: {what}, taken as rigid")
        elif kind in _MOVING:
            joints.append(_joint(element, kind, moving, t_moving_child))
            notes.extend(_limit_notes(element, kind))
            frames[child] = (child, np.eye(4))
        else:
            raise DescriptionError(f"{name}: joint type {kind!r} below the root is not read")
        pending.extend(reversed(by_parent.get(child, [])))
    for link, (moving, t_moving_link) in frames.items():
        mass, centre = _mass(inertials.get(link))
        add_mass(masses, moving, mass, (t_moving_link @ [*centre, 1.0])[:3])
    return Description(name, root, tuple(joints), frames, masses, notes=tuple(notes))


def _mass(inertial: ElementTree.Element | None) -> tuple[float, tuple[float, ...]]:
    """Mass (kg) and centre in the link; a mass that cannot be read counts as none."""
    mass = None if inertial is None else inertial.find("mass")
    if inertial is None or mass is None:
        return 0.0, (0.0, 0.0, 0.0)
    try:
        value = float(mass.get("value", "0").strip().rstrip(","))
        return value, numbers(inertial.find("origin"), "xyz", (0.0, 0.0, 0.0), "inertial")
    except ValueError:
        return 0.0, (0.0, 0.0, 0.0)


def _limit_notes(element: ElementTree.Element, kind: str) -> list[str]:
    name, limit = attribute(element, "name"), element.find("limit")
    lower, upper = scalar(limit, "lower", name), scalar(limit, "upper", name)
    if kind != "continuous" and lower is not None and upper is not None and lower > upper:
        return [f"{name}: lower limit {lower:g} above upper {upper:g}, taken as unknown"]
    return []


def _joint(element: ElementTree.Element, kind: str, parent: str, t_parent_link: F64) -> Joint:
    name = attribute(element, "name")
    axis = _axis(element)
    limit = element.find("limit")
    lower, upper = _range(limit, kind, name)
    origin = tuple(map(float, t_parent_link[:3, 3]))
    return Joint(
        name=name,
        kind="prismatic" if kind == "prismatic" else "revolute",
        parent=parent,
        link=_child(element),
        origin_m=(origin[0], origin[1], origin[2]),
        q_parent_link=tuple(map(float, quat_of_rotation(t_parent_link[:3, :3]))),  # type: ignore[arg-type]
        axis=tuple(map(float, axis)),  # type: ignore[arg-type]
        lower=lower,
        upper=upper,
        velocity=_known(scalar(limit, "velocity", name), _VELOCITY_DUMMY),
        effort=_known(scalar(limit, "effort", name), _EFFORT_DUMMY),
        mimic=_mimic(element, name),
    )


def _range(
    limit: ElementTree.Element | None, kind: str, name: str
) -> tuple[float | None, float | None]:
    """Position limits; none where the file gives none, or an empty or inverted range."""
    lower, upper = scalar(limit, "lower", name), scalar(limit, "upper", name)
    if kind == "continuous" or lower is None or upper is None or lower >= upper:
        return None, None
    return lower, upper


def _known(value: float | None, dummy: float) -> float | None:
    return value if value is not None and 0.0 < value < dummy else None


def _mimic(element: ElementTree.Element, name: str) -> Mimic | None:
    mimic = element.find("mimic")
    if mimic is None:
        return None
    multiplier, offset = scalar(mimic, "multiplier", name), scalar(mimic, "offset", name)
    return Mimic(
        joint=attribute(mimic, "joint"),
        multiplier=1.0 if multiplier is None else multiplier,
        offset=0.0 if offset is None else offset,
    )


def _axis(element: ElementTree.Element) -> F64:
    """Unit vector [3]; zero where the file gives none of any length."""
    name = attribute(element, "name")
    axis = np.array(numbers(element.find("axis"), "xyz", (1.0, 0.0, 0.0), name))
    length = float(np.linalg.norm(axis))
    return axis / length if length >= 1e-6 else np.zeros(3)


def _origin(element: ElementTree.Element) -> F64:
    name = attribute(element, "name")
    origin = element.find("origin")
    roll, pitch, yaw = numbers(origin, "rpy", (0.0, 0.0, 0.0), name)
    about_z, about_y = rotation_about((0, 0, 1), yaw), rotation_about((0, 1, 0), pitch)
    rotation = about_z @ about_y @ rotation_about((1, 0, 0), roll)
    return frame(rotation, numbers(origin, "xyz", (0.0, 0.0, 0.0), name))


def _kind(element: ElementTree.Element) -> str:
    return attribute(element, "type").strip().lower()


def _end(element: ElementTree.Element, tag: str) -> str:
    end = element.find(tag)
    if end is None:
        raise DescriptionError(f"joint {element.get('name')}: no <{tag}>")
    return attribute(end, "link")


def _parent(element: ElementTree.Element) -> str:
    return _end(element, "parent")


def _child(element: ElementTree.Element) -> str:
    return _end(element, "child")
