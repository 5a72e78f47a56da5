"""Where numba keeps compiled kernels: a folder named after their sources.

Numba takes a kernel from its cache as long as the kernel's own file stays as it is. What it has
inlined stands in other files, and so do the numbers that say how arrays are laid out: after an
update an old kernel would write beside new arrays.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def cache_folder(sources: Path, base: Path) -> Path:
    """The folder under `base` for kernels compiled from all `*.py` of a folder as they are now."""
    digest = hashlib.sha256()
    for path in sorted(sources.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return base / digest.hexdigest()[:12]
