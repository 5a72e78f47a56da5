"""One robot's body: joint tree, limits, and how its links lie in the canonical body; its JSON."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, Literal

from schemas.body import COMPLEX_NAMES, DOF_INDEX, DOFS, HAND_DOF_START, SEGMENTS, SIDES
from schemas.embodiment_parts import (
    EndPose,
    FingerJoint,
    Hand,
    Joint,
    JointMeasure,
    Mimic,
    Segment,
)

SHIPPED: Final = Path(__file__).parent / "embodiments"
PALM_SOURCES: Final = ("fingers", "gripper", "wrist_axes", "none")

# Who made the figures and what is still to be confirmed do not change what a frame means.
_NOT_HASHED: Final = ("id", "maker", "source", "licence", "confirm")


class EmbodimentError(ValueError):
    """An embodiment that contradicts itself, or none of that name."""


@dataclass(frozen=True)
class Embodiment:
    """A robot of one type, as all parts of kinebus see it.

    `kind` "full" has geometry; "joint_level" has joints and limits only, and says in `measures`
    which canonical angle a joint reads. Attribution and notes are outside the content hash.

    Attributes:
        forward, up: Signed axes of the root link, e.g. "+x", "+z".
        complexes: Joint names of each canonical complex in chain order (the 14 `COMPLEX_NAMES`).
        segments: Canonical segments the robot has; the others are absent.
        hand_pose, foot_pose: Palm and sole by side.
        limb_length_m: Proximal to distal centre for long segments; hand and foot: to the end pose.
        neutral: Joint values of the canonical neutral pose, limits disregarded.
        offset_rad: Body DoFs that cannot reach 0, with their value at the neutral pose.
        palm: Where each palm's normal comes from (`PALM_SOURCES`); "wrist_axes" is imputed.
        confirm: What a person should look at.
    """

    id: str
    maker: str
    source: str
    licence: str
    kind: Literal["full", "joint_level"]
    root: str
    forward: str
    up: str
    joints: tuple[Joint, ...]
    complexes: Mapping[str, tuple[str, ...]]
    segments: Mapping[str, Segment] = field(default_factory=dict)
    hand_pose: Mapping[str, EndPose] = field(default_factory=dict)
    foot_pose: Mapping[str, EndPose] = field(default_factory=dict)
    limb_length_m: Mapping[str, float] = field(default_factory=dict)
    neutral: Mapping[str, float] = field(default_factory=dict)
    offset_rad: Mapping[str, float] = field(default_factory=dict)
    hands: Mapping[str, Hand] = field(default_factory=dict)
    palm: Mapping[str, str] = field(default_factory=dict)
    measures: tuple[JointMeasure, ...] = ()
    confirm: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a body whose parts do not fit together."""
        _check_joints(self)
        _check_names(self)

    @cached_property
    def joint_index(self) -> Mapping[str, int]:
        """Place of each joint in `joints`."""
        return {joint.name: i for i, joint in enumerate(self.joints)}

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the kinematic content."""
        content = {k: v for k, v in _plain(self).items() if k not in _NOT_HASHED}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def embodiment_names() -> tuple[str, ...]:
    """Names of the shipped embodiments, sorted."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.json")))


def load_embodiment(name_or_path: str | Path) -> Embodiment:
    """Read a shipped embodiment by name, or any by path; a shipped name comes first."""
    text, names = str(name_or_path), embodiment_names()
    if text in names:
        return _shipped(text)
    if text.endswith(".json") or Path(text).is_file():
        return _read(Path(text))
    near = difflib.get_close_matches(text, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "docs/robots.md lists them all"
    raise EmbodimentError(f"no embodiment named {text!r}, and no such file; {hint}")


def dump_embodiment(embodiment: Embodiment) -> str:
    """JSON text of an embodiment: stable, one entry of each list or table a line."""
    lines = [f"  {json.dumps(k)}: {_block(v)}" for k, v in _plain(embodiment).items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def parse_embodiment(data: Mapping[str, Any]) -> Embodiment:
    """Build an embodiment from parsed JSON; raises EmbodimentError where it does not fit."""
    try:
        fields = dict(data)
        fields["joints"] = tuple(_joint(j) for j in data["joints"])
        fields["complexes"] = {k: tuple(v) for k, v in data["complexes"].items()}
        fields["segments"] = {k: Segment(**_tuples(v)) for k, v in data["segments"].items()}
        for poses in ("hand_pose", "foot_pose"):
            fields[poses] = {k: EndPose(**_tuples(v)) for k, v in data[poses].items()}
        fields["hands"] = {k: _hand(v) for k, v in data["hands"].items()}
        fields["measures"] = tuple(JointMeasure(**m) for m in data["measures"])
        fields["confirm"] = tuple(data["confirm"])
        return Embodiment(**fields)
    except EmbodimentError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EmbodimentError(f"not an embodiment: {error}") from error


@cache
def _shipped(name: str) -> Embodiment:
    return _read(SHIPPED / f"{name}.json")


def _read(path: Path) -> Embodiment:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EmbodimentError(
            f"cannot read {path} as an embodiment: {error} "
            "(of a URDF or MJCF, kinebus onboard makes one)"
        ) from error
    return parse_embodiment(data)


def _plain(embodiment: Embodiment) -> dict[str, Any]:
    """The dataclass as JSON types; of a joint, only what is known."""
    plain = asdict(embodiment)
    unknown = () if embodiment.kind == "full" else ("origin_m", "q_parent_link", "axis")
    plain["joints"] = [
        {k: v for k, v in joint.items() if v is not None and k not in unknown}
        for joint in plain["joints"]
    ]
    return plain


def _block(value: Any) -> str:
    if isinstance(value, dict) and value:
        inner = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
        return "{\n" + inner + "\n  }"
    if isinstance(value, list | tuple) and value:
        return "[\n" + ",\n".join(f"    {json.dumps(v)}" for v in value) + "\n  ]"
    return json.dumps(value)


def _joint(data: Mapping[str, Any]) -> Joint:
    fields = _tuples(data)
    if "mimic" in fields:
        fields["mimic"] = Mimic(**fields["mimic"])
    return Joint(**fields)


def _hand(data: Mapping[str, Any]) -> Hand:
    return Hand(kind=data["kind"], joints=tuple(FingerJoint(**f) for f in data["joints"]))


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise EmbodimentError(message)


def _check_joints(e: Embodiment) -> None:
    links = {e.root}
    names: set[str] = set()
    for j in e.joints:
        where = f"{e.id}: joint {j.name}"
        _require(j.name not in names, f"{where} is listed twice")
        _require(j.parent in links, f"{where}: parent {j.parent} must come before it")
        _require(j.link not in links, f"{where}: link {j.link} has two parents")
        numbers = (*j.origin_m, *j.q_parent_link, *j.axis)
        _require(all(math.isfinite(x) for x in numbers), f"{where} has a non-finite number")
        _require(abs(math.hypot(*j.axis) - 1.0) < 1e-9, f"{where}: axis is no unit vector")
        _require(abs(math.hypot(*j.q_parent_link) - 1.0) < 1e-9, f"{where}: quaternion is no unit")
        if j.lower is not None and j.upper is not None:
            _require(j.lower < j.upper, f"{where}: lower limit is not below upper")
        links.add(j.link)
        names.add(j.name)
    for j in e.joints:
        if j.mimic is not None:
            _require(j.mimic.joint in names, f"{e.id}: {j.name} mimics unknown {j.mimic.joint}")


def _check_names(e: Embodiment) -> None:
    names = {j.name for j in e.joints}
    links = {e.root} | {j.link for j in e.joints}
    _require(set(e.complexes) == set(COMPLEX_NAMES), f"{e.id}: the 14 complexes must be given")
    listed = [joint for chain in e.complexes.values() for joint in chain]
    _require(len(listed) == len(set(listed)), f"{e.id}: a joint is in two complexes")
    used = [*listed, *e.neutral, *(m.joint for m in e.measures)]
    used += [f.joint for hand in e.hands.values() for f in hand.joints]
    for joint in used:
        _require(joint in names, f"{e.id}: unknown joint {joint}")
    for name, segment in e.segments.items():
        _require(name in SEGMENTS, f"{e.id}: unknown segment {name}")
        _require({segment.link, segment.key_link} <= links, f"{e.id}: {name} on unknown link")
        q_norm = math.hypot(*segment.q_link_segment)
        _require(abs(q_norm - 1.0) < 1e-9, f"{e.id}: {name}: quaternion is no unit")
    for by_side in (e.hand_pose, e.foot_pose, e.hands, e.palm):
        _require(set(by_side) <= set(SIDES), f"{e.id}: sides are left and right")
    for pose in (*e.hand_pose.values(), *e.foot_pose.values()):
        _require(pose.link in links, f"{e.id}: end pose on unknown link {pose.link}")
    for source in e.palm.values():
        _require(source in PALM_SOURCES, f"{e.id}: unknown palm source {source}")
    for dof in (*e.offset_rad, *(m.dof for m in e.measures)):
        _require(dof in DOFS, f"{e.id}: unknown DoF {dof}")
    for side, hand in e.hands.items():
        for f in hand.joints:
            fits = DOF_INDEX.get(f.dof, -1) >= HAND_DOF_START and f.dof.startswith(side)
            _require(fits and f.open != f.closed, f"{e.id}: {f.joint} cannot measure {f.dof}")
    full = e.kind == "full"
    _require(full == ("pelvis" in e.segments), f"{e.id}: geometry and kind disagree")
    _require(not (full and e.measures), f"{e.id}: measures belong to joint-level embodiments")
