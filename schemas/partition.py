"""Which partition a robot lives in: Kafka's own murmur2, the same for every topic and client."""

from __future__ import annotations

from functools import lru_cache

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """Murmur2 as `org.apache.kafka.common.utils.Utils.murmur2` computes it, seed 0x9747b28c.

    Returns the unsigned value, 0 ≤ h < 2³².
    """
    length = len(data)
    h = (0x9747B28C ^ length) & _MASK
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    tail = data[whole:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=65_536)
def partition_of(robot: str, partitions: int) -> int:
    """The partition of a robot's records, equal to the Java client's default partitioner."""
    return (murmur2(robot.encode()) & 0x7FFFFFFF) % partitions
