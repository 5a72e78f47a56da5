"""Writes vendors for robots that have no profile yet: a profile and a schema each, and no code.

`python -m producers.fleet.made_vendors FOLDER EMBODIMENT...`, then KINEBUS_PROFILES=FOLDER for
every part: the fleet simulates any shipped robot.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from schemas.embodiment import load_embodiment

RATE_HZ = 100.0

_PROFILE = """\
# Made by producers.fleet: {channels} joints at {rate_hz:g} Hz, blocks of float32.
vendor = "{vendor}"
name = "{vendor}"
version = 1
title = "{title}"
embodiment = "{embodiment}"
encoding = "avro"
schema = "raw_{schema}"
rate_hz = {rate_hz}

[clock]
field = "stamp_us"
unit = "us"
epoch = "unix"

[[groups]]
joints = {joints}
unit = "rad"
position = {{ field = "position" }}
velocity = {{ field = "velocity" }}
effort = {{ field = "effort" }}
{action}{more}
[base]
rotation = {{ source = {{ field = "imu_quaternion" }}, order = "wxyz" }}
angular_velocity = {{ field = "imu_angular_velocity" }}
acceleration = {{ field = "imu_acceleration" }}
{base}"""

STOPPED = 9
"""Mode of a made robot's controller that is an emergency stop."""

_MORE = """\
temperature = {{ field = "motor_temperature" }}

[controller]
mode = {{ field = "controller_mode" }}
stopped = [{stopped}]

[hand_position]
left = {{ field = "hand_position", columns = [0, 3] }}
right = {{ field = "hand_position", columns = [3, 6] }}
"""


def write_vendor(
    folder: Path,
    vendor: str,
    title: str,
    embodiment: str,
    joints: Sequence[str],
    rate_hz: float,
    commands: bool = False,
    talkative: bool = False,
) -> None:
    """Write one vendor's profile and schema into a folder that is there.

    A talkative robot reports its motors' temperatures, its controller's mode, where its hands and
    its base are.
    """
    schema = vendor.replace("-", "_")
    profile = _PROFILE.format(
        vendor=vendor,
        title=title,
        embodiment=embodiment,
        schema=schema,
        channels=len(joints),
        rate_hz=rate_hz,
        joints=json.dumps(list(joints)),
        action='action = { field = "action" }\n' if commands else "",
        more=_MORE.format(stopped=STOPPED) if talkative else "",
        base='position = { field = "base_position" }\n' if talkative else "",
    )
    (folder / f"{vendor}.toml").write_text(profile)
    document = json.dumps(_schema(schema, len(joints), commands, talkative), indent=2)
    (folder / f"raw_{schema}.avsc").write_text(document + "\n")


def write_robots(
    folder: Path,
    embodiments: Sequence[str],
    rate_hz: float = RATE_HZ,
    *,
    commands: bool = False,
    talkative: bool = False,
) -> list[str]:
    """Write a vendor for each of some shipped embodiments; returns the vendors' names.

    All joints that a motor of their own moves are published, slides in metres.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vendors = []
    for name in embodiments:
        robot = load_embodiment(name)
        joints = [joint.name for joint in robot.joints if joint.mimic is None]
        vendors.append("sim-" + name.replace("_", "-"))
        title = f"Simulated {name}"
        write_vendor(folder, vendors[-1], title, name, joints, rate_hz, commands, talkative)
    return vendors


def _schema(name: str, channels: int, commands: bool, talkative: bool) -> dict[str, object]:
    blocks = [
        ("stamp_us", "<i8", 1),
        ("position", "<f4", channels),
        ("velocity", "<f4", channels),
        ("effort", "<f4", channels),
        *([("action", "<f4", channels)] if commands else []),
        ("imu_quaternion", "<f4", 4),
        ("imu_angular_velocity", "<f4", 3),
        ("imu_acceleration", "<f4", 3),
    ]
    if talkative:
        blocks += [
            ("motor_temperature", "<f4", channels),
            ("controller_mode", "<i4", 1),
            ("hand_position", "<f4", 6),
            ("base_position", "<f4", 3),
        ]
    return {
        "type": "record",
        "name": name.capitalize(),
        "namespace": "kinebus.raw",
        "doc": "A chunk of T frames; blocks are little-endian, row-major.",
        "fields": [
            {"name": field, "type": "bytes", "dtype": dtype, "columns": columns}
            for field, dtype, columns in blocks
        ],
    }


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write them.")],
    embodiments: Annotated[list[str], typer.Argument(help="Shipped robots.")],
) -> None:
    """Write a vendor for each of some robots."""
    typer.echo(" ".join(write_robots(folder, embodiments)))


if __name__ == "__main__":
    typer.run(main)
