"""Writes vendors that exist only for measuring.

`python -m producers.fleet.bench_vendors FOLDER`, then KINEBUS_PROFILES=FOLDER for every part.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from producers.fleet.made_vendors import write_vendor
from schemas.embodiment import Embodiment, load_embodiment

VENDORS = 12
CHANNELS = 40
RATE_HZ = 250.0
EMBODIMENT = "unitree_g1_inspire"


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
        write_vendor(folder, vendor, f"Benchmark vendor {number}", embodiment, joints, rate_hz)
    return names


def bench_joints(embodiment: Embodiment, channels: int) -> list[str]:
    """The first joints of a body that a motor of their own moves."""
    own = [joint.name for joint in embodiment.joints if joint.mimic is None]
    if len(own) < channels:
        raise ValueError(f"{embodiment.id} has {len(own)} joints, fewer than {channels}")
    return own[:channels]


def main(folder: Annotated[Path, typer.Argument(help="Where to write them.")]) -> None:
    """Write twelve vendors made for measuring."""
    typer.echo(" ".join(write_bench_vendors(folder)))


if __name__ == "__main__":
    typer.run(main)
