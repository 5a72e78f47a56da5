"""One episode as an MCAP that Foxglove opens: the robot's own joints, its canonical body, findings.

Messages are ROS 2's (CDR): `/joint_states` and `/joint_commands` as the robot sent them,
`/canonical/joint_states` in anatomical angles, `/tf` with the canonical segments below `pelvis`,
`/imu`, `/<robot>/joint_states` where it is played by another robot, and `/findings` as log lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from mcap_ros2.writer import Writer

from schemas.body import DOFS, SEGMENTS
from schemas.checks import CATALOGUE, Severity
from sinks.catalogue import Episode
from sinks.datasets.episode import SealedFrames
from sinks.datasets.ros2_messages import DEFINITIONS
from streams.body_plan import CanonicalBody

_LEVEL = {Severity.INFO: 20, Severity.WARNING: 30, Severity.ERROR: 40}
NS = 1_000_000_000


class Joints(Protocol):
    """Joint values of a target, [J, T]."""

    @property
    def position(self) -> Any:
        """[J, T]."""


def write_mcap(
    path: Path,
    episode: Episode,
    frames: SealedFrames,
    body: CanonicalBody,
    played: tuple[str, tuple[str, ...], Joints] | None,
) -> None:
    """Write one episode.

    Args:
        path: a new file.
        episode: as the catalogue has it.
        frames: T of them.
        body: the same frames on the canonical body.
        played: embodiment, joint names and values where another robot plays it.
    """
    with path.open("wb") as file:
        writer = Writer(file)
        schemas = {name: writer.register_msgdef(name, text) for name, text in DEFINITIONS.items()}
        streams = [
            _joints("/joint_states", frames.channels, frames, frames.position, frames.velocity,
                    frames.effort),
            _canonical(frames),
            _transforms(frames, body),
            _imu(frames),
            _findings(frames),
        ]  # fmt: skip
        if frames.action is not None:
            streams.append(_joints("/joint_commands", frames.channels, frames, frames.action))
        if played is not None:
            robot, names, joints = played
            streams.append(_joints(f"/{robot}/joint_states", names, frames, joints.position))
        for t_ns, sequence, topic, kind, message in _merged(streams):
            writer.write_message(topic, schemas[kind], message, t_ns, t_ns, sequence)
        _told(writer, episode)
        writer.finish()


Message = tuple[int, int, str, str, dict[str, Any]]


def _merged(streams: list[Iterator[Message]]) -> Iterator[Message]:
    """All streams by frame; each gives its messages in the order of time."""
    messages = [message for stream in streams for message in stream]
    return iter(sorted(messages, key=lambda message: (message[0], message[2])))


def _joints(
    topic: str,
    names: tuple[str, ...],
    frames: SealedFrames,
    position: Any,
    velocity: Any = None,
    effort: Any = None,
) -> Iterator[Message]:
    for t, t_ns in enumerate(frames.t_ns.tolist()):
        there = np.flatnonzero(np.isfinite(position[:, t]))
        if not len(there):
            continue
        message = {
            "header": _header(t_ns),
            "name": [names[c] for c in there],
            "position": position[there, t].tolist(),
            "velocity": [] if velocity is None else velocity[there, t].tolist(),
            "effort": [] if effort is None else effort[there, t].tolist(),
        }
        yield t_ns, t, topic, "sensor_msgs/msg/JointState", message


def _canonical(frames: SealedFrames) -> Iterator[Message]:
    return _joints("/canonical/joint_states", DOFS, frames, frames.angle)


def _transforms(frames: SealedFrames, body: CanonicalBody) -> Iterator[Message]:
    there = [
        (place, name)
        for place, name in enumerate(SEGMENTS)
        if place and np.isfinite(body.key_position_m[:, place]).all()
    ]
    if not there:
        return
    for t, t_ns in enumerate(frames.t_ns.tolist()):
        moved = []
        for place, name in there:
            x, y, z = body.key_position_m[t, place].tolist()
            qw, qx, qy, qz = body.segment_quat[t, place].tolist()
            moved.append(
                {
                    "header": _header(t_ns, "pelvis"),
                    "child_frame_id": name,
                    "transform": {
                        "translation": {"x": x, "y": y, "z": z},
                        "rotation": {"x": qx, "y": qy, "z": qz, "w": qw},
                    },
                }
            )
        yield t_ns, t, "/tf", "tf2_msgs/msg/TFMessage", {"transforms": moved}


def _imu(frames: SealedFrames) -> Iterator[Message]:
    turn, speed = frames.base.get("base_quaternion"), frames.base.get("base_angular_velocity")
    push = frames.base.get("base_acceleration")
    if turn is None and speed is None and push is None:
        return
    for t, t_ns in enumerate(frames.t_ns.tolist()):
        # ROS marks what is not measured by a covariance that begins with -1.
        message = {"header": _header(t_ns, "imu")}
        message |= _measured("orientation", turn, t, ("w", "x", "y", "z"))
        message |= _measured("angular_velocity", speed, t, ("x", "y", "z"))
        message |= _measured("linear_acceleration", push, t, ("x", "y", "z"))
        yield t_ns, t, "/imu", "sensor_msgs/msg/Imu", message


def _measured(name: str, values: Any, t: int, axes: tuple[str, ...]) -> dict[str, Any]:
    there = values is not None and bool(np.isfinite(values[:, t]).all())
    numbers = values[:, t].tolist() if there else [0.0] * len(axes)
    if not there and "w" in axes:
        numbers[0] = 1.0
    covariance = [0.0 if there else -1.0] + [0.0] * 8
    own = dict(zip(axes, numbers, strict=True))
    return {name: own, f"{name}_covariance": covariance}


def _findings(frames: SealedFrames) -> Iterator[Message]:
    """A log line where a check begins to find something."""
    for check in CATALOGUE:
        flagged = (frames.flags & np.uint64(check.mask)) != 0
        begins = np.flatnonzero(flagged & ~np.concatenate([[False], flagged[:-1]]))
        for t in begins.tolist():
            t_ns = int(frames.t_ns[t])
            message = {
                "stamp": _time(t_ns),
                "level": _LEVEL[check.severity],
                "name": check.id,
                "msg": check.meaning,
                "file": "",
                "function": "",
                "line": t,
            }
            yield t_ns, t, "/findings", "rcl_interfaces/msg/Log", message


def _told(writer: Writer, episode: Episode) -> None:
    document: Mapping[str, Any] = episode.document()
    told = {name: str(value) for name, value in document.items() if value not in (None, [], "")}
    # The ROS 2 writer has no call of its own for metadata; its inner writer has.
    writer._writer.add_metadata("episode", told)


def _header(t_ns: int, frame: str = "") -> dict[str, Any]:
    return {"stamp": _time(t_ns), "frame_id": frame}


def _time(t_ns: int) -> dict[str, int]:
    return {"sec": t_ns // NS, "nanosec": t_ns % NS}
