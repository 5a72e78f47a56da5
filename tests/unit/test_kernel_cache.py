"""Kernels compiled from other sources are not found again."""

from __future__ import annotations

from pathlib import Path

import numba

import streams.kernels
from streams.kernel_cache import cache_folder
from streams.kernels.frame_checks import check_frames


def test_a_changed_source_has_another_folder(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("y = 1\n")
    before = cache_folder(tmp_path, tmp_path)
    assert cache_folder(tmp_path, tmp_path) == before
    (tmp_path / "b.py").write_text("y = 2\n")
    assert cache_folder(tmp_path, tmp_path) != before


def test_kernels_are_kept_in_that_folder() -> None:
    folder = Path(numba.config.CACHE_DIR)
    assert folder.name == cache_folder(Path(streams.kernels.__file__).parent, folder).name
    assert Path(check_frames.stats.cache_path).parent == folder
