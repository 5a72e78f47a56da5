"""Attributes of a description's elements as text and finite numbers."""

from __future__ import annotations

import math
from xml.etree import ElementTree

from producers.onboarding.description import DescriptionError
from schemas.embodiment_parts import Vec

_TEMPLATE = "; a template of xacro's is to be expanded first"


def numbers(
    element: ElementTree.Element | None, key: str, missing: Vec, name: str
) -> tuple[float, ...]:
    """Three numbers of an attribute, apart by blanks or commas; `missing` where it is not."""
    text = None if element is None else element.get(key)
    if text is None:
        return missing
    try:
        values = tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError as error:
        what = f"joint {name}: {key}={text!r} is not three numbers{_TEMPLATE}"
        raise DescriptionError(what) from error
    if len(values) != 3 or not all(math.isfinite(v) for v in values):
        raise DescriptionError(f"joint {name}: {key}={text!r} is not three finite numbers")
    return values


def scalar(element: ElementTree.Element | None, key: str, name: str) -> float | None:
    """One number of an attribute; None where it is not there or not finite."""
    text = None if element is None else element.get(key)
    if text is None:
        return None
    try:
        value = float(text.strip().rstrip(".,;"))
    except ValueError as error:
        what = f"joint {name}: {key}={text!r} is not a number{_TEMPLATE}"
        raise DescriptionError(what) from error
    return value if math.isfinite(value) else None


def attribute(element: ElementTree.Element, key: str) -> str:
    """The text of an attribute that must be there."""
    value = element.get(key)
    if value is None:
        raise DescriptionError(f"<{element.tag}> without {key}")
    return value
