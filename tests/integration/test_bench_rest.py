"""Bytes at rest of a simulated robot: within what is promised, and bit for bit."""

from __future__ import annotations

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
