"""Vendor profiles: what a maker's messages mean, declared in a TOML file and nothing else.

A profile says where each signal stands in a message, which joint a column is, in which unit, and
what the clock counts. A new vendor is one schema and one profile; no code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from schemas.checks import BY_ID
from schemas.limits import MAX_CHANNELS
from schemas.topics import is_vendor

POSITION_SCALE: Mapping[str, float] = {
    "rad": 1.0,
    "deg": math.pi / 180.0,
    "turns": 2.0 * math.pi,
    "m": 1.0,
    "mm": 1e-3,
}
"""Factor from a vendor's unit of position to rad or m; velocity uses the same per second."""

CLOCK_NS: Mapping[str, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Nanoseconds in one unit of a vendor's clock."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Encoding(StrEnum):
    """How a vendor's value is written behind Confluent's frame."""

    AVRO = "avro"
    JSON = "json"


class Layout(StrEnum):
    """How frames stand in a message.

    `columns`: each field holds all frames of its signal, [T] or [T, K].
    `sparse`: one list of frames; each frame holds lists of entries that carry a device id.
    """

    COLUMNS = "columns"
    SPARSE = "sparse"


class Source(_Part):
    """Where a signal stands: a field, and which of its columns [start, stop)."""

    field: str
    columns: tuple[int, int] | None = None
    entries: str | None = None
    """Sparse layout: the frame's list that holds the entries; None = the profile's own."""


class Group(_Part):
    """Channels that stand side by side in a message and share a unit.

    Exactly one of `joints` (joints of the embodiment), `dofs` (canonical hand DoFs that the vendor
    reports as a share of closing) or `names` (kept natively, not part of the body) is given.
    """

    joints: tuple[str, ...] = ()
    dofs: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    unit: str = "rad"
    signs: tuple[Literal[-1, 1], ...] = ()
    open: float = 0.0
    closed: float = 1.0
    position: Source
    velocity: Source | None = None
    effort: Source | None = None
    effort_scale: float = 1.0
    """Factor from the vendor's effort to N m or N."""
    action: Source | None = None
    temperature: Source | None = None
    """Of the motors, in degrees Celsius."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The native names of the group's channels."""
        return self.joints or self.dofs or self.names

    @property
    def sources(self) -> tuple[Source | None, ...]:
        """Where its signals stand, None for one it has not."""
        return (self.position, self.velocity, self.effort, self.action, self.temperature)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sum(map(bool, (self.joints, self.dofs, self.names))) != 1:
            raise ValueError("a group of channels names exactly one of joints, dofs, names")
        if not self.dofs and self.unit not in POSITION_SCALE:
            raise ValueError(f"unit {self.unit!r} is none of {', '.join(POSITION_SCALE)}")
        if self.open == self.closed:
            raise ValueError("open and closed are the same value")
        for name in ("ids", "signs"):
            values = getattr(self, name)
            if values and len(values) != len(self.channels):
                raise ValueError(f"{name}: {len(values)} for {len(self.channels)} channels")
        for source in self.sources:
            columns = source.columns if source else None
            if columns and columns[1] - columns[0] != len(self.channels):
                raise ValueError(f"{source}: not {len(self.channels)} columns")
        return self


class Clock(_Part):
    """What the vendor's stamps count; no field = no clock: frame index over the nominal rate."""

    field: str | None = None
    unit: Literal["s", "ms", "us", "ns"] = "s"
    epoch: Literal["unix", "session", "none"] = "none"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.field is None) != (self.epoch == "none"):
            raise ValueError("a clock has both a field and an epoch, or neither")
        return self


class Rotation(_Part):
    """A base orientation: a quaternion, or Euler angles as intrinsic rotations in their order."""

    source: Source
    order: Literal["wxyz", "xyzw", "zyx", "xyz"]
    """`zyx` is roll, pitch, yaw as roboticists mean it, columns given as roll, pitch, yaw."""
    unit: Literal["rad", "deg"] = "rad"


class Base(_Part):
    """Where the base's pose and its IMU stand, as far as the vendor reports them."""

    position: Source | None = None
    rotation: Rotation | None = None
    angular_velocity: Source | None = None
    acceleration: Source | None = None
    imu_in_base: bool = True
    """Whether the IMU's axes are the base's, so that it feels gravity where the base is up."""


class Controller(_Part):
    """Where the mode of the robot's controller stands, and which modes are a stop."""

    mode: Source
    stopped: tuple[float, ...] = ()


class HandPosition(_Part):
    """Where the vendor's own position of each hand stands: m, in the frame of the pelvis."""

    left: Source | None = None
    right: Source | None = None


class ByGap(_Part):
    """How episodes are found for a vendor whose stations set no marks: motion between pauses."""

    gap_s: float = Field(gt=0)
    """A pause this long between frames, by the robot's own time, ends an episode."""
    rest_rad_s: float = Field(default=0.0, ge=0)
    """A chunk in which no channel moves faster, on average, is a pause too; 0: only silence is."""


class CheckSetting(_Part):
    """A check's two numbers, where they differ from the catalogue's."""

    threshold: float | None = None
    least: float | None = None


class Sparse(_Part):
    """Names in the sparse layout."""

    frames: str
    entries: str
    id: str


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]


class Profile(_Part):
    """One version of one vendor profile."""

    vendor: Name
    name: Name
    version: int = Field(ge=1)
    title: str
    embodiment: str
    encoding: Encoding
    schema_name: str = Field(alias="schema")
    layout: Layout = Layout.COLUMNS
    sparse: Sparse | None = None
    rate_hz: float = Field(gt=0)
    clock: Clock = Clock()
    groups: tuple[Group, ...] = Field(min_length=1)
    base: Base = Base()
    controller: Controller | None = None
    hand_position: HandPosition = HandPosition()
    episodes: ByGap | None = None
    """None: marks alone open and close episodes."""
    assume: dict[str, float] = {}
    """Value of a model joint that is not in the stream, rad or m."""
    native_rate_hz: float | None = Field(default=None, gt=0)
    """How often the robot really measures, where it sends more often than that."""
    checks: dict[str, CheckSetting] = {}
    """Thresholds of the check catalogue that are others for this robot."""
    missing: float | None = None
    """A number that means 'no value' to this vendor; JSON null and NaN in sparse always do."""

    @property
    def id(self) -> str:
        """What the envelope calls this profile: `<name>@<version>`."""
        return f"{self.name}@{self.version}"

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the native channels, in the robot's order. Length C."""
        return tuple(name for group in self.groups for name in group.channels)

    @property
    def channel_joints(self) -> tuple[str | None, ...]:
        """The embodiment's joint of each channel, None where it is no joint. Length C."""
        return tuple(n if group.joints else None for group in self.groups for n in group.channels)

    @property
    def channel_dofs(self) -> tuple[str | None, ...]:
        """The canonical hand DoF of each channel, None where it is none. Length C."""
        return tuple(n if group.dofs else None for group in self.groups for n in group.channels)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = self.channel_names
        if len(set(names)) != len(names):
            raise ValueError("two channels share a name")
        if len(names) > MAX_CHANNELS:
            raise ValueError(f"{len(names)} channels are more than {MAX_CHANNELS}")
        if not is_vendor(self.vendor):
            raise ValueError(f"vendor {self.vendor!r} cannot stand in a topic's name")
        if (self.layout is Layout.SPARSE) != (self.sparse is not None):
            raise ValueError("the sparse layout, and it alone, has a [sparse] table")
        if self.sparse and self.encoding is not Encoding.AVRO:
            raise ValueError("the sparse layout is for Avro, whose types it relies on")
        unknown = sorted(set(self.checks) - set(BY_ID))
        if unknown:
            raise ValueError(f"no check to set is named {', '.join(unknown)}: schemas/checks.toml")
        if self.sparse and not all(group.ids for group in self.groups):
            raise ValueError("in the sparse layout every group has ids")
        return self

    def document(self) -> dict[str, Any]:
        """The profile as plain data, for hashing."""
        return self.model_dump(mode="json", by_alias=True)
