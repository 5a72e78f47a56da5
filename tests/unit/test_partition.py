"""Murmur2 and the partition of a robot, against Kafka's own figures."""

from __future__ import annotations

import pytest

from schemas.partition import murmur2, partition_of


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_kafkas(data, signed):
    assert murmur2(data) == signed & 0xFFFFFFFF


def test_a_negative_hash_gives_a_partition_too():
    assert partition_of("21", 4) == (-973932308 & 0x7FFFFFFF) % 4


def test_robots_spread_over_partitions():
    counts = [0] * 8
    for number in range(800):
        counts[partition_of(f"unitree/{number:04d}", 8)] += 1
    assert min(counts) > 60
