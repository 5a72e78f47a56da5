"""A picture of growth: for each point a bar of cores, split by process, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

_COLOURS = (
    "#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#eeca3b", "#b279a2", "#9d755d",
    "#bab0ac", "#ff9da6",
)  # fmt: skip
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _LEGEND = 720, 360, 60, 50, 40, 170


def stacked_bars(title: str, axis: str, unit: str, bars: Mapping[str, Mapping[str, float]]) -> str:
    """One bar a point, one colour a part; parts in the order of the first bar that has them.

    Args:
        title: above it.
        axis: what the points are.
        unit: of the height.
        bars: by point, the heights of its parts.
    """
    parts = list(dict.fromkeys(part for bar in bars.values() for part in bar))
    highest = max((sum(bar.values()) for bar in bars.values()), default=0.0) or 1.0
    span = (_WIDTH - _LEFT - _LEGEND) / max(len(bars), 1)
    floor, room = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP
    drawn = [_text(_LEFT, 22, title, size=15)]
    for tick in range(5):
        y = floor - room * tick / 4
        drawn.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _LEGEND}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        )
        drawn.append(_text(_LEFT - 6, y + 4, f"{highest * tick / 4:.2f}", anchor="end"))
    for place, (point, bar) in enumerate(bars.items()):
        x, y = _LEFT + span * (place + 0.2), floor
        for part, height in bar.items():
            tall = room * height / highest
            y -= tall
            drawn.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{span * 0.6:.1f}" height="{tall:.1f}" '
                f'fill="{_colour(parts, part)}"><title>{escape(part)} {height:g}</title></rect>'
            )
        drawn.append(_text(x + span * 0.3, floor + 16, point, anchor="middle"))
    drawn.append(_text(_LEFT + span * len(bars) / 2, _HEIGHT - 12, axis, anchor="middle"))
    drawn.append(_text(8, _TOP - 8, unit))
    for place, part in enumerate(parts):
        y = _TOP + 18 * place
        drawn.append(
            f'<rect x="{_WIDTH - _LEGEND + 16}" y="{y}" width="12" height="12" '
            f'fill="{_colour(parts, part)}"/>'
        )
        drawn.append(_text(_WIDTH - _LEGEND + 34, y + 10, part))
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def plot_growth(result: Mapping[str, object], file: Path) -> None:
    """The cores of every process at each point of `bench growth`."""
    points = result["points"]
    assert isinstance(points, Mapping)
    bars = {
        point: {name: used["cores"] for name, used in told["processes"].items()}
        for point, told in points.items()
    }
    axis = str(result["axis"])
    file.write_text(stacked_bars(f"Cores by {axis}", axis, "cores", bars), encoding="utf-8")


def _colour(parts: list[str], part: str) -> str:
    return _COLOURS[parts.index(part) % len(_COLOURS)]


def _text(x: float, y: float, words: str, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
