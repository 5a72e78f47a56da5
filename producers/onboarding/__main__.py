"""Write the embodiment of a robot from its description and its curated TOML."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from producers.onboarding.build import build_embodiment
from producers.onboarding.curated import read_curated
from producers.onboarding.description import Description
from producers.onboarding.urdf import read_urdf
from schemas.embodiment import dump_embodiment


def main() -> int:
    """Exit 0 when an embodiment was written, 1 when not; what to confirm goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m producers.onboarding", description=__doc__)
    parser.add_argument("file", type=Path, help="URDF (.urdf) or MJCF (.xml)")
    parser.add_argument("--curated", type=Path, required=True, help="TOML with its complexes")
    parser.add_argument("--out", type=Path, required=True, help="embodiment JSON to write")
    given = parser.parse_args()
    try:
        embodiment = build_embodiment(_read(given.file), read_curated(given.curated))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    given.out.write_text(dump_embodiment(embodiment), encoding="utf-8")
    for note in embodiment.confirm:
        print(f"confirm: {note}", file=sys.stderr)
    return 0


def _read(file: Path) -> Description:
    if file.suffix != ".xml":
        return read_urdf(file)
    # mujoco is needed for MJCF alone.
    from producers.onboarding.mjcf import read_mjcf

    return read_mjcf(file)


if __name__ == "__main__":
    sys.exit(main())
