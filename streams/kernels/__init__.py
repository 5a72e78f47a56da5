"""Arrays in, arrays out: the numerical core, compiled by numba; no I/O, no state."""

import os
from pathlib import Path

import numba

from streams.kernel_cache import cache_folder

_HERE = Path(__file__).parent
numba.config.CACHE_DIR = str(
    cache_folder(_HERE, Path(os.environ.get("NUMBA_CACHE_DIR", _HERE / "__pycache__")))
)
