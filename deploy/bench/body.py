"""The canonical body measured: how fast it is, every figure with its conditions."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deploy.bench.body_speed import Case, measure_speed
from deploy.bench.truth import Truth, measure_truth


def bench_body(
    case: Case | None, truth: Truth | None, say: Callable[[str], None]
) -> dict[str, Any]:
    """The sections asked for.

    Args:
        case: Of the section `speed`, None = left out.
        truth: Of the section `truth`, None = left out.
        say: Progress.

    Raises:
        PeerError: another project's solver could not be installed or ended.
    """
    found: dict[str, Any] = {"conditions": _conditions()}
    if case is not None:
        found["speed"] = measure_speed(case, say)
    if truth is not None:
        found["truth"] = measure_truth(truth, say)
    return found


def _conditions() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "interpreter": sys.base_prefix,
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "versions": {name: version(name) for name in ("numpy", "numba", "llvmlite")},
    }


def _cpu() -> str:
    """The processor's name; Linux alone gives it in a file."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    named = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()
