"""An MJCF cut down to what moves: bodies, joints, their defaults and ties, in one text.

mujoco reads all of a file or nothing, so a mesh named twice, an attribute of an older version or a
material that is not there would keep a robot out of which only its joints are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, tostring

from producers.onboarding.description import DescriptionError
from producers.onboarding.guard import MAX_DEPTH, included_file
from producers.onboarding.markup import read_markup

_PLACE: Final = ("pos", "quat", "axisangle", "xyaxes", "zaxis", "euler")
# Attributes that are kept, by element.
_KEPT: Final = {
    "compiler": ("angle", "autolimits", "coordinate", "eulerseq"),
    "default": ("class",),
    "worldbody": (),
    "body": ("name", "childclass", *_PLACE),
    "frame": ("name", "childclass", *_PLACE),
    "replicate": ("childclass", "count", "offset", "euler", "sep"),
    "attach": ("model", "body", "prefix"),
    "joint": (
        "name", "class", "type", "pos", "axis", "ref", "range", "limited", "actuatorfrcrange",
        "actuatorfrclimited",
    ),
    "freejoint": ("name",),
    "inertial": ("pos", "mass"),
    "equality": (),
    "asset": (),
    "model": ("name", "file"),
}  # fmt: skip
_IN_EQUALITY: Final = ("name", "joint1", "joint2", "polycoef")
_SECTIONS: Final = ("compiler", "default", "worldbody", "equality", "asset")
_OF_BODIES: Final = ("body", "frame", "replicate", "attach", "joint", "freejoint", "inertial")


def moving_parts(path: Path) -> tuple[str, list[str]]:
    """MJCF text without anything but the kinematics of a file, and notes of what is not there."""
    notes: list[str] = []
    root = _whole(path, path, (path.resolve(),), 0, notes)
    if root.tag == "mujocoinclude":
        # A part as models include it: bodies without a world, which is given one.
        world = Element("worldbody")
        world.extend([child for child in root if child.tag in _OF_BODIES])
        root.append(world)
    classes = {"main", *(e.get("class", "main") for e in root.iter("default"))}
    cut = Element("mujoco")
    for child in root:
        if child.tag in _SECTIONS:
            cut.append(_cut(child, path.parent, classes, notes))
    _cut_ties(cut)
    return tostring(cut, encoding="unicode"), notes


def _whole(file: Path, main: Path, way: tuple[Path, ...], depth: int, notes: list[str]) -> Element:
    """A file's element with what it includes in place."""
    root = read_markup(file)
    _fill(root, file, main, way, depth, notes)
    return root


def _fill(
    element: Element, file: Path, main: Path, way: tuple[Path, ...], depth: int, notes: list[str]
) -> None:
    if depth > MAX_DEPTH:
        raise DescriptionError(f"{main.name}: nested deeper than {MAX_DEPTH} elements")
    for at, child in reversed(list(enumerate(element))):
        if child.tag != "include":
            _fill(child, file, main, way, depth + 1, notes)
            continue
        element.remove(child)
        name = child.get("file", "")
        found = included_file(name, file, main)
        if found is None:
            notes.append(f"{name!r} is to be included and not there: what it holds is not read")
        elif found.resolve() in way:
            raise DescriptionError(f"{main.name}: {name!r} includes itself, which mujoco refuses")
        else:
            held = _whole(found, main, (*way, found.resolve()), depth + 1, notes)
            element[at:at] = list(held)


def _cut(element: Element, folder: Path, classes: set[str], notes: list[str]) -> Element:
    """A copy with kept elements and attributes alone."""
    tag = element.tag
    kept = _IN_EQUALITY if tag == "joint" and "joint1" in element.attrib else _KEPT[tag]
    told = {key: value for key, value in element.attrib.items() if key in kept}
    for key in ("class", "childclass"):
        if tag != "default" and key in told and told[key] not in classes:
            lost = f"class {told.pop(key)!r} is not there: what it says of joints may be lost"
            notes.extend([] if lost in notes else [lost])
    if tag == "inertial":
        told["diaginertia"] = "1 1 1"
    if tag == "model":
        told["file"] = str(folder / told.get("file", ""))
    copy = Element(tag, told)
    copy.extend(_cut(child, folder, classes, notes) for child in _within(element))
    return copy


def _within(element: Element) -> Iterator[Element]:
    """An element's children of the kinds that are kept in it."""
    inner = {"default": ("default", "joint"), "equality": ("joint",), "asset": ("model",)}
    allowed = inner.get(element.tag, _OF_BODIES)
    return (child for child in element if child.tag in allowed)


def _cut_ties(root: Element) -> None:
    """Drop ties of joints that are not there; in a file that attaches others they may be."""
    if root.find(".//attach") is not None:
        return
    names = {joint.get("name") for world in root.iter("worldbody") for joint in world.iter("joint")}
    for ties in root.findall("equality"):
        for tie in list(ties):
            if not {tie.get("joint1"), tie.get("joint2", tie.get("joint1"))} <= names:
                ties.remove(tie)
