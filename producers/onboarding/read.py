"""Open a robot description of either format, told apart by its first element."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

from producers.onboarding.description import MAX_BYTES, Description, DescriptionError
from producers.onboarding.urdf import read_urdf


def read_description(path: Path) -> Description:
    """Read a URDF or an MJCF; raises DescriptionError, which says what is wrong, for all else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DescriptionError(f"{path}: {error.strerror or error}") from error
    tag = _first_tag(path.name, data)
    if tag == "robot":
        return read_urdf(path)
    if tag != "mujoco":
        raise DescriptionError(
            f"{path.name}: <{tag}> is neither a URDF's <robot> nor an MJCF's <mujoco>"
        )
    try:
        # mujoco is needed for MJCF alone.
        from producers.onboarding.mjcf import read_mjcf
    except ImportError as error:
        raise DescriptionError(
            f"{path.name}: MJCF needs mujoco: pip install 'kinebus[onboarding]'"
        ) from error
    return read_mjcf(path)


def _first_tag(name: str, data: bytes) -> str:
    """Tag of the document's element, before anything in it is expanded or built."""
    if len(data) > MAX_BYTES:
        raise DescriptionError(f"{name}: {len(data)} bytes, at most {MAX_BYTES} are read")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise DescriptionError(f"{name}: document types and entities are not read")
    try:
        for _, element in ElementTree.iterparse(BytesIO(data), events=("start",)):
            return str(element.tag)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise DescriptionError(f"{name}: not XML: {error}") from error
    raise DescriptionError(f"{name}: not XML: it is empty")
