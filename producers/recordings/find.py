"""Finds recordings: those a folder's INDEX.csv lists, or one file of a given vendor."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from producers.recordings.recording import Recording, RecordingError

INDEX = "INDEX.csv"

_FOLDERS = {
    "unitree_g1_inspire_lerobot": "unitree",
    "fourier_gr1_sim_lerobot": "fourier",
    "pollen_reachy2": "pollen",
    "iit_icub_genova04": "iit",
    "kscale_kbot_krec": "kscale",
    "tienkung": "xhumanoid",
}
"""The vendor of each folder of recordings that a packaged profile explains."""


def find_recordings(root: Path) -> list[Recording]:
    """Recordings under a folder that a vendor profile explains, in the order of its INDEX.csv."""
    index = root / INDEX
    if not index.exists():
        raise RecordingError(f"{root} has no {INDEX}; name a file and its --vendor instead")
    with index.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    found = []
    for row in rows:
        vendor = _FOLDERS.get(Path(row["file"]).parts[0])
        if vendor is not None:
            rate = float(row["rate_hz"]) if row["rate_hz"] else None
            found.append(Recording(vendor, root / row["file"], row["id"], rate))
    return found


def single_recording(path: Path, vendor: str) -> Recording:
    """One file as a recording; its name stands for the robot's serial number."""
    if not path.is_file():
        raise RecordingError(f"{path} is no file")
    serial = re.sub(r"[^A-Za-z0-9_.:-]", "-", path.stem).lstrip("_.:-")[:63]
    return Recording(vendor, path.resolve(), serial or "recording")
