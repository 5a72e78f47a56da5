"""Shipped embodiments are what onboarding makes of their descriptions, and the lists say so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from producers.onboarding.ship import (
    NOTICE_BEGIN,
    NOTICE_END,
    ROOT,
    TABLE_BEGIN,
    TABLE_END,
    between,
    embodiment_of,
    notice_lines,
    sources,
    table_lines,
)
from schemas.embodiment import dump_embodiment, embodiment_names, load_embodiment
from tests.bench.onboarding import load

pytestmark = pytest.mark.shared

# Of a place, m, and of an angle, rad: what another machine's last digits may change.
CLOSE = 1e-9
NEUTRAL = 1e-6


def same(one: Any, other: Any, where: str) -> None:
    """Equal, numbers nearly so."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            same(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            same(a, b, f"{where}/{i}")
    elif isinstance(one, float) and isinstance(other, float):
        near = NEUTRAL if "neutral" in where or "offset" in where else CLOSE
        assert abs(one - other) <= near, where
    else:
        assert one == other, where


def test_every_body_becomes_an_embodiment_and_those_shipped_are_it(shared_dir: Path) -> None:
    truths = {file: truth for truth, file in load(shared_dir / "robots")}
    shipped = set()
    for source in sources(shared_dir / "robots"):
        made = embodiment_of(source)
        if source.file in truths:
            complexes = truths[source.file]["complexes"]
            assert "left_hand" in made.segments or not complexes["left_elbow"], source.name
            assert "left_foot" in made.segments or not complexes["left_knee"], source.name
        if source.shipped:
            kept = dump_embodiment(load_embodiment(source.name))
            same(json.loads(dump_embodiment(made)), json.loads(kept), source.name)
            shipped.add(source.name)
    assert shipped == set(embodiment_names()) - {"kscale_kbot"}


def test_the_lists_are_as_written(shared_dir: Path) -> None:
    listed = sources(shared_dir / "robots")
    for file, begin, end, lines in (
        ("NOTICE", NOTICE_BEGIN, NOTICE_END, notice_lines(listed)),
        ("docs/robots.md", TABLE_BEGIN, TABLE_END, table_lines(listed)),
    ):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert between(text, begin, end, lines) == text
