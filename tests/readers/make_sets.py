"""Data sets of every real vendor's recordings, as `kinebus export` writes them, for other readers.

`python -m tests.readers.make_sets OUT RECORDINGS` writes one folder a vendor and format.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from obstore.store import MemoryStore

from producers.recordings.find import find_recordings
from schemas.embodiment import load_embodiment
from sinks.catalogue import Episode
from sinks.datasets.export import Format, export
from sinks.datasets.plan import Choice, ExportError
from sinks.datasets.signals import Space
from streams.retarget_plan import compile_target
from tests import make
from tests.lake_make import replayed, seal

G1 = "unitree_g1_29dof"


def episodes_by_vendor(store: MemoryStore, recordings: Path) -> dict[str, list[Episode]]:
    """Every recording sealed, by vendor."""
    logs = defaultdict(list)
    for recording in find_recordings(recordings):
        logs[recording.vendor].append(replayed(recording))
    return {vendor: seal(store, own) for vendor, own in sorted(logs.items())}


def write_sets(out: Path, recordings: Path) -> dict[str, str]:
    """Write them all. Returns why a vendor's stream was refused, by vendor."""
    store, refused = MemoryStore(), {}
    by_vendor = episodes_by_vendor(store, recordings)
    native, as_g1 = Choice("native"), Choice("g1", target=compile_target(load_embodiment(G1)))
    wanted = [
        ("v3", native, Format.LEROBOT_V3),
        ("v21", native, Format.LEROBOT_V21),
        ("canonical", Choice("canonical", space=Space.CANONICAL), Format.LEROBOT_V3),
        ("g1", as_g1, Format.LEROBOT_V3),
    ]
    for vendor, episodes in by_vendor.items():
        for name, choice, form in wanted:
            try:
                export(choice, form, str(out / f"{vendor}-{name}"), "recordings", episodes, store,
                       make.vendors(), lambda *_: None)  # fmt: skip
            except ExportError as error:
                refused[vendor] = str(error)
    return refused


if __name__ == "__main__":
    for vendor, why in write_sets(Path(sys.argv[1]), Path(sys.argv[2])).items():
        print(f"{vendor} refused: {why}")
