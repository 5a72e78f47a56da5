"""Read a URDF: joint tree and centres of mass, fixed joints folded; shapes are not looked at.

mujoco's URDF importer drops velocity limits, mimic rules and fixed frames, which all count here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.description import (
    Description,
    DescriptionError,
    add_mass,
)
from producers.onboarding.guard import first_tag, read_bounded
from producers.onboarding.mimics import mend_mimics
from schemas.embodiment_parts import Joint, Mimic, Vec
from streams.kernels.frames import frame, quat_of_rotation, rotation_about

F64 = NDArray[np.float64]

_MOVING = {"revolute": "revolute", "continuous": "revolute", "prismatic": "prismatic"}
# A velocity limit of 0 means 'not set', 100 rad/s or more is a dummy, and so is such an effort.
_VELOCITY_DUMMY = 100.0
_EFFORT_DUMMY = 1000.0


def read_urdf(path: Path) -> Description:
    """Read a URDF file; raises DescriptionError where it is not one tree of known joints."""
    root = _parse(path)
    elements = root.findall("joint")
    links = [_attribute(link, "name") for link in root.findall("link")]
    if twice := [link for link, count in Counter(links).items() if count > 1]:
        raise DescriptionError(f"{path.name}: link {twice[0]!r} is listed twice")
    children = {_child(e): e for e in elements}
    if len(children) != len(elements):
        raise DescriptionError(f"{path.name}: a link has two parents")
    for element in elements:
        if missing := {_parent(element), _child(element)} - set(links):
            where = f"{path.name}: joint {element.get('name')}"
            raise DescriptionError(f"{where} names link {missing.pop()!r}, which is not there")
    roots = [link for link in links if link not in children]
    if len(roots) != 1:
        raise DescriptionError(f"{path.name}: {len(roots)} root links, one is needed: {roots[:5]}")
    by_parent: dict[str, list[ElementTree.Element]] = {}
    for element in elements:
        by_parent.setdefault(_parent(element), []).append(element)
    name = root.get("name", path.stem)
    top, floating = _below_floating(roots[0], by_parent)
    masses = {_attribute(link, "name"): link.find("inertial") for link in root.findall("link")}
    description = _fold(name, top, by_parent, masses)
    if len(description.frames) != len(links) - len(floating):
        raise DescriptionError(f"{path.name}: joints and links do not form one tree")
    if templates := sum(1 for e in root.iter() if "xacro" in str(e.tag)):
        note = (
            f"{templates} xacro elements are not read: expand the file first if a part is missing"
        )
        description = replace(description, notes=(*description.notes, note))
    return mend_mimics(description)


def _below_floating(
    root: str, by_parent: Mapping[str, Sequence[ElementTree.Element]]
) -> tuple[str, list[str]]:
    """The robot's own root below floating joints of its base, and the links above it."""
    above: list[str] = []
    while [e.get("type") for e in by_parent.get(root, [])] == ["floating"]:
        above.append(root)
        root = _child(by_parent[root][0])
    return root, above


def _parse(path: Path) -> ElementTree.Element:
    tag = first_tag(path)
    if tag != "robot":
        raise DescriptionError(f"{path.name}: <{tag}> is not a URDF's <robot>")
    return ElementTree.fromstring(read_bounded(path))


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
        child, kind = _child(element), _attribute(element, "type")
        if kind == "fixed":
            frames[child] = (moving, t_moving_child)
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
        return value, _numbers(inertial.find("origin"), "xyz", (0.0, 0.0, 0.0), "inertial")
    except ValueError:
        return 0.0, (0.0, 0.0, 0.0)


def _limit_notes(element: ElementTree.Element, kind: str) -> list[str]:
    name, limit = _attribute(element, "name"), element.find("limit")
    lower, upper = _scalar(limit, "lower", name), _scalar(limit, "upper", name)
    if kind != "continuous" and lower is not None and upper is not None and lower > upper:
        return [f"{name}: lower limit {lower:g} above upper {upper:g}, taken as unknown"]
    return []


def _joint(element: ElementTree.Element, kind: str, parent: str, t_parent_link: F64) -> Joint:
    name = _attribute(element, "name")
    axis = np.array(_numbers(element.find("axis"), "xyz", (1.0, 0.0, 0.0), name))
    length = float(np.linalg.norm(axis))
    if length < 1e-6:
        raise DescriptionError(f"joint {name}: its axis is zero")
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
        axis=tuple(map(float, axis / length)),  # type: ignore[arg-type]
        lower=lower,
        upper=upper,
        velocity=_below(_scalar(limit, "velocity", name), _VELOCITY_DUMMY),
        effort=_below(_scalar(limit, "effort", name), _EFFORT_DUMMY),
        mimic=_mimic(element, name),
    )


def _range(
    limit: ElementTree.Element | None, kind: str, name: str
) -> tuple[float | None, float | None]:
    """Position limits; none where the file gives none, or an empty or inverted range."""
    lower, upper = _scalar(limit, "lower", name), _scalar(limit, "upper", name)
    if kind == "continuous" or lower is None or upper is None or lower >= upper:
        return None, None
    return lower, upper


def _below(value: float | None, dummy: float) -> float | None:
    return value if value is not None and 0.0 < value < dummy else None


def _mimic(element: ElementTree.Element, name: str) -> Mimic | None:
    mimic = element.find("mimic")
    if mimic is None:
        return None
    multiplier, offset = _scalar(mimic, "multiplier", name), _scalar(mimic, "offset", name)
    return Mimic(
        joint=_attribute(mimic, "joint"),
        multiplier=1.0 if multiplier is None else multiplier,
        offset=0.0 if offset is None else offset,
    )


def _origin(element: ElementTree.Element) -> F64:
    name = _attribute(element, "name")
    origin = element.find("origin")
    roll, pitch, yaw = _numbers(origin, "rpy", (0.0, 0.0, 0.0), name)
    about_z, about_y = rotation_about((0, 0, 1), yaw), rotation_about((0, 1, 0), pitch)
    rotation = about_z @ about_y @ rotation_about((1, 0, 0), roll)
    return frame(rotation, _numbers(origin, "xyz", (0.0, 0.0, 0.0), name))


def _numbers(
    element: ElementTree.Element | None, key: str, missing: Vec, name: str
) -> tuple[float, ...]:
    text = None if element is None else element.get(key)
    if text is None:
        return missing
    try:
        values = tuple(float(part.rstrip(",")) for part in text.split())
    except ValueError as error:
        raise DescriptionError(f"joint {name}: {key}={text!r} is not three numbers") from error
    if len(values) != 3 or not all(math.isfinite(v) for v in values):
        raise DescriptionError(f"joint {name}: {key}={text!r} is not three finite numbers")
    return values


def _scalar(element: ElementTree.Element | None, key: str, name: str) -> float | None:
    text = None if element is None else element.get(key)
    if text is None:
        return None
    try:
        value = float(text.strip().rstrip(","))
    except ValueError as error:
        raise DescriptionError(f"joint {name}: {key}={text!r} is not a number") from error
    return value if math.isfinite(value) else None


def _attribute(element: ElementTree.Element, key: str) -> str:
    value = element.get(key)
    if value is None:
        raise DescriptionError(f"<{element.tag}> without {key}")
    return value


def _end(element: ElementTree.Element, tag: str) -> str:
    end = element.find(tag)
    if end is None:
        raise DescriptionError(f"joint {element.get('name')}: no <{tag}>")
    return _attribute(end, "link")


def _parent(element: ElementTree.Element) -> str:
    return _end(element, "parent")


def _child(element: ElementTree.Element) -> str:
    return _end(element, "child")
