"""Figures onto a picture: orthographic views in panels, drawn twice as large and then reduced.

Left is blue, right is orange, the trunk dark, what belongs to no complex light. Black strokes point
where head, chest, feet and thumbs do; the shorter one at a hand is the way its palm looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from producers.onboarding.posed import Figure, Label, Line

F64 = NDArray[np.float64]

_OVER = 2
COLOURS = {
    "left": (20, 105, 205), "right": (225, 105, 15), "trunk": (70, 75, 85),
    "other": (190, 192, 196), "tick": (0, 0, 0),
}  # fmt: skip
_WIDTH = {"other": 2, "tick": 2}
_WORD = (70, 75, 85)
_MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class View:
    """Where a viewer stands: [3] axes of the pelvis frame that run right and up on the picture."""

    name: str
    right: tuple[float, float, float]
    up: tuple[float, float, float]


# Seen from the front the robot's left is on the viewer's right.
FRONT = View("from the front", (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
SIDE = View("from its right, faces right", (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
_C, _S, _T = np.cos(0.65), np.sin(0.65), 0.25
OBLIQUE = View(
    "from front left",
    (-float(_S), float(_C), 0.0),
    (-_T * float(_C), -_T * float(_S), float(np.sqrt(1 - _T * _T))),
)


@dataclass(frozen=True)
class Panel:
    """One view of one figure under a title."""

    title: str
    figure: Figure
    view: View
    words: bool


def draw(panels: Sequence[Sequence[Panel]], size: int, head: str, same_scale: bool) -> Image.Image:
    """Rows of square panels.

    Args:
        panels: Rows, the first the longest.
        size: Pixels of a panel's side.
        head: A line above all.
        same_scale: One scale for all panels, else each fills its own.
    """
    top = 30 if head else 0
    whole = (len(panels[0]) * size * _OVER, (len(panels) * size + top) * _OVER)
    image = Image.new("RGB", whole, "white")
    pen = ImageDraw.Draw(image)
    if head:
        pen.text((10 * _OVER, 7 * _OVER), head, fill=(0, 0, 0), font=_font(15))
    boxes = [[_box(panel) for panel in row] for row in panels]
    widest = max(extent for row in boxes for _, extent in row)
    for r, row in enumerate(panels):
        for c, panel in enumerate(row):
            middle, extent = boxes[r][c]
            scale = size * _OVER * (1 - 2 * _MARGIN) / (widest if same_scale else extent)
            corner = (c * size * _OVER, (r * size + top) * _OVER)
            _draw_panel(pen, panel, corner, size * _OVER, middle, scale)
    return image.resize((whole[0] // _OVER, whole[1] // _OVER), Image.Resampling.LANCZOS)


def _box(panel: Panel) -> tuple[F64, float]:
    """Middle [2] and greatest extent (m) of a panel's points in its view."""
    points = [p for line in panel.figure.lines for p in (line.start, line.end)]
    flat = _flat(np.array(points), panel.view)
    low, high = flat.min(axis=0), flat.max(axis=0)
    return 0.5 * (low + high), max(float((high - low).max()), 1e-3)


def _flat(points: F64, view: View) -> F64:
    flat: F64 = points @ np.array([view.right, view.up]).T
    return flat


def _draw_panel(
    pen: ImageDraw.ImageDraw,
    panel: Panel,
    corner: tuple[int, int],
    size: int,
    middle: F64,
    scale: float,
) -> None:
    def place(point: F64) -> tuple[float, float]:
        x, y = (_flat(point, panel.view) - middle) * scale
        return corner[0] + size / 2 + float(x), corner[1] + size / 2 - float(y) + 8 * _OVER

    pen.rectangle((*corner, corner[0] + size - 1, corner[1] + size - 1), outline=(225, 226, 230))
    depth = np.cross(panel.view.right, panel.view.up)

    def nearer(line: Line) -> tuple[int, float]:
        """What no complex holds lies behind, directions before, the rest by its distance."""
        layer = (line.part == "tick") - (line.part == "other")
        return layer, float((line.start + line.end) @ depth)

    for line in sorted(panel.figure.lines, key=nearer):
        width = _WIDTH.get(line.part, 4) * _OVER
        pen.line([place(line.start), place(line.end)], fill=COLOURS[line.part], width=width)
    for dot in panel.figure.dots:
        x, y = place(dot.at)
        r = (2 if dot.part == "other" else 3.5) * _OVER
        pen.ellipse((x - r, y - r, x + r, y + r), fill=COLOURS[dot.part], outline="white")
    if panel.words:
        _write_words(pen, [(*place(d.at), d) for d in panel.figure.dots], corner[0] + size / 2)
    at = (corner[0] + 8 * _OVER, corner[1] + 6 * _OVER)
    pen.text(at, panel.title, fill=_WORD, font=_font(12))


def _write_words(
    pen: ImageDraw.ImageDraw, dots: Sequence[tuple[float, float, Label]], middle: float
) -> None:
    """Words beside their dots, away from the middle; one that would cover another is left out."""
    written: list[tuple[float, float, float, float]] = []
    for x, y, dot in dots:
        outward = -1 if x < middle else 1
        at, anchor = (x + outward * 6 * _OVER, y - 9 * _OVER), "rm" if outward < 0 else "lm"
        box = pen.textbbox(at, dot.text, font=_font(11), anchor=anchor)
        covers = any(
            box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in written
        )
        if dot.text and not covers:
            written.append(box)
            pen.text(at, dot.text, fill=COLOURS[dot.part], font=_font(11), anchor=anchor,
                     stroke_width=2 * _OVER, stroke_fill="white")  # fmt: skip


def _font(points: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(points * _OVER)
