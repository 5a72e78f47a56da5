"""One episode as a picture: its body at key frames, its signals, where checks found something."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from schemas.body import COMPLEXES
from schemas.checks import CATALOGUE, Severity
from schemas.vendors import Vendor
from sinks.catalogue import Episode
from sinks.datasets.episode import SealedFrames
from sinks.found_in import FoundIn
from sinks.picture.body import bones, draw_bodies, key_frames
from streams.body_plan import CanonicalBody

F64 = npt.NDArray[np.float64]

KEY_FRAMES = 6
MOST_POINTS = 4_000
STILL = 1e-3
"""Channels that move less than this, in their own unit, are counted instead of drawn."""

COLOURS = {Severity.INFO: "#7a8aa0", Severity.WARNING: "#e0a100", Severity.ERROR: "#d0302f"}
_LIMB = {
    "shoulder": "arm", "elbow": "arm", "wrist": "arm", "hip": "leg", "knee": "leg", "ankle": "leg",
}  # fmt: skip
_PARTS = ("trunk and head", "left arm", "right arm", "left hand", "right hand", "left leg",
          "right leg", "other")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marked:
    """A stretch of an episode in which a check found something.

    Attributes:
        check: its id.
        channel: the native channel it is about; empty: the whole frame.
        first_s, last_s: seconds since the episode's first frame.
    """

    check: str
    channel: str
    first_s: float
    last_s: float


def marked_in(found: Iterable[FoundIn], frames: SealedFrames) -> list[Marked]:
    """What checks found, at the times of the frames it was found in."""
    order = np.argsort(frames.frame)
    index, seconds = frames.frame[order], (frames.t_ns[order] - frames.t_ns[0]) / 1e9
    marked = []
    for one in found:
        first = int(np.searchsorted(index, one.first_frame))
        last = int(np.searchsorted(index, one.last_frame, side="right")) - 1
        if first <= last:
            ends = float(seconds[first]), float(seconds[last])
            marked.append(Marked(one.check, one.channel, *ends))
    return marked


def plot_episode(
    path: Path,
    episode: Episode,
    vendor: Vendor,
    frames: SealedFrames,
    body: CanonicalBody,
    marked: Sequence[Marked],
) -> None:
    """Write a PNG.

    Args:
        path: of it.
        episode: as the catalogue has it.
        vendor: its profile and embodiment.
        frames: T of them.
        body: the same frames on the canonical body.
        marked: what the checks found.
    """
    seconds = (frames.t_ns - frames.t_ns[0]) / 1e9
    own = _moving(parts_of(vendor), frames)
    shown = [part for part in _PARTS if own.get(part)]
    checks = sorted({one.check for one in marked}, key=_order)
    keys = key_frames(body, KEY_FRAMES) if bones(body, 0) else []
    heights = [*(1.5 for _ in shown), 0.3 + 0.22 * max(len(checks), 1)]
    top = 3.0 if keys else 0.0
    figure = Figure(figsize=(14, top + sum(heights) + 1.6), layout="constrained")
    lower: FigureBase = figure
    if keys:
        grid = figure.add_gridspec(2, 1, height_ratios=[top, sum(heights)])
        upper, lower = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
        draw_bodies(upper.subplots(1, len(keys), squeeze=False)[0], body, keys, seconds)
    panels = lower.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[
        :, 0
    ]
    for axes, part in zip(panels, shown, strict=False):
        _signals(axes, part, own[part], vendor, frames, seconds, marked)
    _strip(panels[-1], checks, marked)
    for axes in panels:
        for key in keys:
            axes.axvline(seconds[key], color="#9aa3ad", lw=0.6, ls=":", zorder=0)
    panels[-1].set_xlim(0.0, max(float(seconds[-1]), 1e-3))
    moving = sum(len(names) for names in own.values())
    told = "seconds since the first frame; dotted: the bodies above; dashed: commands; thick: found"
    panels[-1].set_xlabel(
        f"{told}; {len(frames.channels) - moving} channels stand still or are not there"
    )
    figure.suptitle(_title(episode, frames), fontsize=10, x=0.01, ha="left")
    figure.savefig(path, dpi=110)


def parts_of(vendor: Vendor) -> dict[str, str]:
    """The part of the body each native channel moves."""
    body, profile = vendor.embodiment, vendor.profile
    of_joint: dict[str, str] = {}
    for complex_ in COMPLEXES:
        side, _, joint = complex_.name.partition("_")
        part = f"{side} {_LIMB[joint]}" if joint else "trunk and head"
        of_joint |= dict.fromkeys(body.complexes.get(complex_.name, ()), part)
    for side, hand in body.hands.items():
        of_joint |= {finger.joint: f"{side} hand" for finger in hand.joints}
    found = {}
    names = zip(profile.channel_names, profile.channel_joints, profile.channel_dofs, strict=True)
    for name, moved, finger in names:
        own = f"{finger.split('_')[0]} hand" if finger else "other"
        found[name] = of_joint.get(moved or "", own)
    return found


def _moving(parts: Mapping[str, str], frames: SealedFrames) -> dict[str, list[str]]:
    """The channels that move, by the part of the body they belong to."""
    moving: dict[str, list[str]] = {}
    for name, values in zip(frames.channels, frames.position, strict=True):
        finite = values[np.isfinite(values)]
        if len(finite) and np.ptp(finite) >= STILL:
            moving.setdefault(parts[name], []).append(name)
    return moving


def _signals(
    axes: Axes,
    part: str,
    names: Sequence[str],
    vendor: Vendor,
    frames: SealedFrames,
    seconds: F64,
    marked: Sequence[Marked],
) -> None:
    thin = slice(None, None, len(seconds) // MOST_POINTS + 1)
    for name in names:
        values = frames.position[frames.channels.index(name)]
        (line,) = axes.plot(seconds[thin], values[thin], lw=1.1, label=name)
        command = None if frames.action is None else frames.action[frames.channels.index(name)]
        if command is not None and np.isfinite(command).any():
            axes.plot(seconds[thin], command[thin], lw=0.7, ls="--", color=line.get_color(),
                      alpha=0.7)  # fmt: skip
        for one in marked:
            if one.channel == name:
                within = (seconds >= one.first_s) & (seconds <= one.last_s)
                axes.plot(seconds[within], values[within], lw=6, alpha=0.35, zorder=1,
                          color=_colour(one.check), solid_capstyle="round")  # fmt: skip
    dofs = dict(zip(vendor.profile.channel_names, vendor.profile.channel_dofs, strict=True))
    unit = "open 0 … 1" if all(dofs[name] for name in names) else "rad, m"
    axes.set_ylabel(f"{part}\n{unit}", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), fontsize=6.5, frameon=False,
                borderaxespad=0.3)  # fmt: skip


def _strip(axes: Axes, checks: Sequence[str], marked: Sequence[Marked]) -> None:
    """A row for each check that found something."""
    for row, check in enumerate(checks):
        for one in marked:
            if one.check == check:
                axes.barh(row, max(one.last_s - one.first_s, 1e-3), left=one.first_s, height=0.7,
                          color=_colour(check), lw=0)  # fmt: skip
    axes.set_yticks(range(len(checks)), checks, fontsize=7)
    axes.set_ylim(len(checks) - 0.4 if checks else 1.0, -0.6)
    axes.tick_params(axis="x", labelsize=7)
    if not checks:
        axes.text(0.5, 0.5, "no check found anything", ha="center", va="center", fontsize=8,
                  transform=axes.transAxes)  # fmt: skip


def _title(episode: Episode, frames: SealedFrames) -> str:
    success = {True: "success", False: "failure", None: "success not told"}[episode.success]
    seconds = (frames.t_ns[-1] - frames.t_ns[0]) / 1e9
    told = (
        f"{episode.robot}: {episode.task or 'no task'}   (left blue, right orange)\n"
        f"{episode.episode}   {frames.frames:,} frames, {seconds:.2f} s, {success}, verdict "
        f"{episode.verdict or '–'}"
    )
    return "\n".join([told, *textwrap.wrap(" ".join(episode.reasons), 150, max_lines=3)])


def _severity(check: str) -> Severity:
    return next((one.severity for one in CATALOGUE if one.id == check), Severity.INFO)


def _colour(check: str) -> str:
    return COLOURS[_severity(check)]


def _order(check: str) -> tuple[int, str]:
    return -list(COLOURS).index(_severity(check)), check
