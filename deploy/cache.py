"""Where downloads that survive a `make clean` of data are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """The cache folder: `KINEBUS_CACHE`, else `.cache` in the checkout, else in the current folder.

    An installed wheel has no checkout around it: its parent folder holds no pyproject.toml.
    """
    named = os.environ.get("KINEBUS_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    checkout = Path(__file__).resolve().parent.parent
    root = checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()
    return root / ".cache"
