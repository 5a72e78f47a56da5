"""Writes vendors that exist only for measuring: a profile and a schema each, and no code.

`python -m producers.fleet.bench_vendors FOLDER`, then KINEBUS_PROFILES=FOLDER for every part.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from schemas.embodiment import Embodiment, load_embodiment

VENDORS = 12
CHANNELS = 40
RATE_HZ = 250.0
EMBODIMENT = "unitree_g1_inspire"

_PROFILE = """\
# A vendor made for measuring: {channels} joints at {rate_hz:g} Hz, blocks of float32.
vendor = "{vendor}"
name = "{vendor}"
version = 1
title = "Benchmark vendor {number}"
embodiment = "{embodiment}"
encoding = "avro"
schema = "raw_{vendor}"
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

[base]
rotation = {{ source = {{ field = "imu_quaternion" }}, order = "wxyz" }}
angular_velocity = {{ field = "imu_angular_velocity" }}
acceleration = {{ field = "imu_acceleration" }}
"""


def write_bench_vendors(
    folder: Path,
    vendors: int = VENDORS,
    channels: int = CHANNELS,
    rate_hz: float = RATE_HZ,
    embodiment: str = EMBODIMENT,
) -> list[str]:
    """Write profiles and schemas; returns the vendors' names."""
    folder.mkdir(parents=True, exist_ok=True)
    joints = bench_joints(load_embodiment(embodiment), channels)
    names = [f"bench{number:02d}" for number in range(1, vendors + 1)]
    for number, vendor in enumerate(names, start=1):
        profile = _PROFILE.format(
            vendor=vendor,
            number=number,
            channels=channels,
            rate_hz=rate_hz,
            embodiment=embodiment,
            joints=json.dumps(joints),
        )
        (folder / f"{vendor}.toml").write_text(profile)
        schema = json.dumps(_schema(vendor, channels), indent=2)
        (folder / f"raw_{vendor}.avsc").write_text(schema + "\n")
    return names


def bench_joints(embodiment: Embodiment, channels: int) -> list[str]:
    """The first joints of a body that a motor of their own moves."""
    own = [joint.name for joint in embodiment.joints if joint.mimic is None]
    if len(own) < channels:
        raise ValueError(f"{embodiment.id} has {len(own)} joints, fewer than {channels}")
    return own[:channels]


def _schema(vendor: str, channels: int) -> dict[str, object]:
    blocks = [
        ("stamp_us", "<i8", 1),
        ("position", "<f4", channels),
        ("velocity", "<f4", channels),
        ("effort", "<f4", channels),
        ("imu_quaternion", "<f4", 4),
        ("imu_angular_velocity", "<f4", 3),
        ("imu_acceleration", "<f4", 3),
    ]
    return {
        "type": "record",
        "name": vendor.capitalize(),
        "namespace": "kinebus.raw",
        "doc": "A chunk of T frames; blocks are little-endian, row-major.",
        "fields": [
            {"name": name, "type": "bytes", "dtype": dtype, "columns": columns}
            for name, dtype, columns in blocks
        ],
    }


def main(folder: Annotated[Path, typer.Argument(help="Where to write them.")]) -> None:
    """Write twelve vendors made for measuring."""
    typer.echo(" ".join(write_bench_vendors(folder)))


if __name__ == "__main__":
    typer.run(main)
