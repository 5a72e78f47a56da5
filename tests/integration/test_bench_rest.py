"""Bytes at rest of a simulated robot: within what is promised, and bit for bit."""

from __future__ import annotations

from deploy.bench.parts import bench_parts
from deploy.bench.rest import FULL_FRAME_BYTES, bench_rest

PROMISED = 380


def test_native_signals_are_small_and_lossless_in_every_store() -> None:
    (told,) = bench_rest(2_048, None, lambda _: None).values()
    assert told["lossless"] == {"lake": True, "clickhouse": True, "archive": True}
    assert told["native_input"] == 40 * 3 * 4 + 40
    for store in ("lake", "clickhouse"):
        assert 250 < told[store]["native_per_528"] <= PROMISED, store
        assert told[store]["derived"] > 0
    assert told["archive"] / told["raw_input"] * FULL_FRAME_BYTES <= PROMISED


def test_every_part_of_the_way_has_a_price() -> None:
    told = bench_parts(2_048, (25,), lambda _: None)["cpu_s_per_million_frames"]["25"]
    assert {name.split(":")[0] for name in told} == {
        "wire", "step", "lake", "clickhouse", "archive", "insert",
    }  # fmt: skip
    assert all(cost > 0 for name, cost in told.items() if name != "insert: server"), told
    assert told["step: all of it"] > told["wire: decode raw"] + told["wire: encode canonical"]
