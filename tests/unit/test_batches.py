"""Record batches are opened within bounds or stepped over, and what stands beside them flows."""

from __future__ import annotations

import gzip
import struct

import cramjam
import pytest
from aiokafka.record._crc32c import crc as crc32c
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from schemas.limits import MAX_INFLATED_BYTES
from streams.batches import FETCH_AGAIN, BoundedBatches
from streams.inflate import GZIP, LZ4, SNAPPY, ZSTD, InflateError, inflate

PACK = {
    GZIP: gzip.compress,
    SNAPPY: lambda data: bytes(cramjam.snappy.compress_raw(data)),
    LZ4: lambda data: bytes(cramjam.lz4.compress(data)),
    ZSTD: lambda data: bytes(cramjam.zstd.compress(data)),
}


def batch(base: int, *values: bytes, codec: int = 0, epoch: int = 0) -> bytes:
    """A batch as a broker stores it; `epoch` tells one from another in what is remembered."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 26)
    for i, value in enumerate(values):
        builder.append(i, 1_000 + i, b"key", value, [("kind", b"chunk"), ("none", None)])
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, base)
    struct.pack_into(">i", data, 12, epoch)
    return bytes(data)


def with_crc(data: bytes) -> bytes:
    return data[:17] + struct.pack(">I", crc32c(data[21:])) + data[21:]


def read(data: bytes) -> tuple[list[tuple[int, bytes]], list[tuple[int, int]]]:
    """Offsets and values, and what was skipped."""
    batches = BoundedBatches(data)
    found = []
    while batches.has_next():
        found += [(record.offset, record.value) for record in batches.next_batch()]
    return found, [(one.first, one.end) for one in batches.skipped()]


@pytest.mark.parametrize("codec", [0, GZIP, SNAPPY, LZ4, ZSTD])
def test_every_codec_is_read(codec: int) -> None:
    data = batch(5, b"a", b"b" * 9_000, codec=codec) + batch(7, b"c", codec=codec)
    assert read(data) == ([(5, b"a"), (6, b"b" * 9_000), (7, b"c")], [])
    (record, _) = BoundedBatches(data).next_batch()
    assert (record.key, record.headers) == (b"key", [("kind", b"chunk"), ("none", None)])
    assert record.timestamp == 1_000


def test_a_fetch_in_bulk_is_copied_once() -> None:
    """Not once for each of its batches: a worker that catches up would do nothing else."""
    copied = 0

    class Watched(bytes):
        def __getitem__(self, place):
            nonlocal copied
            part = super().__getitem__(place)
            copied += len(part) if isinstance(place, slice) else 0
            return part

    data = b"".join(batch(i, bytes(1_000)) for i in range(200))
    found, _ = read(Watched(data))
    assert len(found) == 200
    assert copied <= len(data)


@pytest.mark.parametrize("codec", [GZIP, LZ4, ZSTD])
def test_a_bomb_is_stepped_over_and_its_neighbours_flow(codec: int) -> None:
    bomb = batch(1, bytes(MAX_INFLATED_BYTES + 1), b"with it", codec=codec)
    assert len(bomb) < 300_000
    assert read(batch(0, b"a") + bomb + batch(3, b"b")) == ([(0, b"a"), (3, b"b")], [(1, 3)])


def test_a_damaged_batch_is_fetched_again_before_it_is_given_up() -> None:
    bad = bytearray(batch(1, b"damaged", b"x"))
    bad[-3] ^= 1
    data = batch(0, b"a") + bytes(bad) + batch(3, b"b")
    for _ in range(FETCH_AGAIN):
        assert read(data) == ([(0, b"a")], [])
    assert read(data) == ([(0, b"a"), (3, b"b")], [(1, 3)])


def test_what_is_no_batch_inside_is_stepped_over() -> None:
    good = batch(1, b"value", codec=ZSTD)
    torn = with_crc(good[:61] + b"no zstd at all" + good[75:])
    assert read(torn + batch(2, b"b")) == ([(2, b"b")], [(1, 2)])


@pytest.mark.parametrize("codec", [0, ZSTD])
def test_a_header_whose_name_is_no_utf_8_costs_its_own_record_its_headers_and_no_other_anything(
    codec: int,
) -> None:
    plain = batch(5, b"a", b"b" * 300, b"c").replace(b"kind", b"\xff\xfe\xff\xff", 2)
    plain = plain.replace(b"\xff\xfe\xff\xff", b"kind", 1)
    data = with_crc(packed(plain, codec))
    assert read(data + batch(8, b"d"))[0] == [(5, b"a"), (6, b"b" * 300), (7, b"c"), (8, b"d")]
    records = BoundedBatches(data).next_batch().records
    assert [record.headers for record in records] == [
        [("kind", b"chunk"), ("none", None)],
        [("unreadable-headers", None)],
        [("kind", b"chunk"), ("none", None)],
    ]
    assert {record.key for record in records} == {b"key"}
    assert [record.timestamp for record in records] == [1_000, 1_001, 1_002]


def packed(data: bytes, codec: int) -> bytes:
    """A batch with its records compressed."""
    if not codec:
        return data
    body = PACK[codec](data[61:])
    attributes = struct.pack(">h", struct.unpack(">h", data[21:23])[0] | codec)
    return (
        data[:8] + struct.pack(">i", 49 + len(body)) + data[12:21] + attributes + data[23:61] + body
    )


def test_a_torn_record_beside_such_a_header_is_stepped_over_with_its_batch() -> None:
    plain = batch(1, b"value").replace(b"kind", b"\xff\xfe\xff\xff")
    for cut in range(62, len(plain)):
        torn = plain[:cut]
        torn = with_crc(torn[:8] + struct.pack(">i", len(torn) - 12) + torn[12:])
        assert read(torn + batch(2, b"b")) == ([(2, b"b")], [(1, 2)]), cut


def test_a_batch_that_is_cut_off_waits_for_the_next_fetch() -> None:
    data = batch(0, b"a") + batch(1, b"b")
    for cut in range(len(batch(0, b"a")), len(data)):
        assert read(data[:cut]) == ([(0, b"a")], [])
    assert read(b"") == ([], [])


@pytest.mark.parametrize("codec", PACK)
def test_inflating_stops_at_the_limit(codec: int) -> None:
    data = PACK[codec](bytes(1_000_000))
    assert inflate(codec, data, 1_000_000) == bytes(1_000_000)
    for broken, limit in ((data, 999_999), (data[:-5], 2_000_000), (b"", 10), (b"\xff" * 40, 10)):
        with pytest.raises(InflateError):
            inflate(codec, broken, limit)
    with pytest.raises(InflateError):
        inflate(7, data, 1_000_000)


def test_snappy_in_javas_frame() -> None:
    blocks = [bytes(cramjam.snappy.compress_raw(part)) for part in (b"a" * 500, b"b" * 500)]
    framed = b"\x82SNAPPY\x00" + bytes(8)
    framed += b"".join(struct.pack(">i", len(block)) + block for block in blocks)
    assert inflate(SNAPPY, framed, 1_000) == b"a" * 500 + b"b" * 500
    for broken, limit in ((framed, 999), (framed[:-1], 1_000), (framed + b"\x00", 1_000)):
        with pytest.raises(InflateError):
            inflate(SNAPPY, broken, limit)
