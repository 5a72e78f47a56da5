"""Hostile values: what a raw record may hold that no robot would send, from a seeded generator."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from random import Random

import numpy as np
import orjson
from backports import zstd

from producers.fleet.motion import build_motion
from producers.fleet.vendor_form import chunk_value, vendor_loop
from schemas.blocks import block_fields
from schemas.codec import HEAD_BYTES, encode
from schemas.golden.examples import golden_examples
from schemas.vendors import Vendor
from tests import make

FRAMES = 4
PUBLISHED_NS = make.PUBLISHED_NS

NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 1e-320, 1e4, 10_000.5, 1e17, 2.0**53, 2.0**62, 2.0**63, 1e38, 3.5e38,
    1e300, 1.7e308, -1e300, float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
NUMBER_WORDS = (
    "1e400", "-1e400", "9" * 400, "-0", "1E-400", "18446744073709551616", "9223372036854775808",
    "0.1e1", "NaN", "Infinity", "null", "true", '"1.5"', '""', "[]", "[[]]", "{}", '{"a":1}',
    "[null]", "1" + "0" * 5_000,
)  # fmt: skip


def vendors() -> list[Vendor]:
    return [make.vendors().by_profile[name] for name in sorted(make.vendors().by_profile)]


class Values:
    """Good values of every profile, and everything that can be made of them."""

    def __init__(self) -> None:
        self.good: dict[str, list[bytes]] = {}
        self._fields: dict[str, dict[str, object]] = {}
        golden = golden_examples()
        for vendor in vendors():
            motion = build_motion(vendor, 1, vendor.profile.rate_hz, FRAMES)
            loop = vendor_loop(vendor, motion, 1)
            told = [chunk_value(loop, s, s + FRAMES, s, PUBLISHED_NS) for s in range(0, 40, FRAMES)]
            self._fields[vendor.profile.id] = dict(told[0])
            values = [encode(vendor.schema, value) for value in told]
            self.good[vendor.profile.id] = [*values, golden[vendor.schema.name]]
        self._ours = list(golden.values())

    def hostile(self, rng: Random, vendor: Vendor) -> tuple[str, bytes | None]:
        """Which kind, and the value."""
        kinds: list[tuple[str, Callable[[Random, Vendor], bytes | None]]] = [
            ("bytes", self.bytes_changed),
            ("bytes", self.bytes_changed),
            ("frame", self.frame_changed),
            ("foreign", self.foreign),
            ("numbers", self.numbers),
            ("numbers", self.numbers),
            ("bomb", self.bomb),
        ]
        kind, build = rng.choice(kinds)
        return kind, build(rng, vendor)

    def bytes_changed(self, rng: Random, vendor: Vendor) -> bytes:
        """Bits flipped, bytes cut out, put in, doubled, cut off; two values spliced."""
        data = bytearray(rng.choice(self.good[vendor.profile.id]))
        for _ in range(rng.choice((1, 1, 1, 2, 5, 30))):
            at = rng.randrange(len(data) or 1)
            match rng.randrange(8):
                case 0 | 1:
                    if data:
                        data[at] ^= 1 << rng.randrange(8)
                case 2:
                    del data[at : at + rng.choice((1, 2, 8, 100))]
                case 3:
                    data[at:at] = rng.randbytes(rng.choice((1, 2, 8, 300)))
                case 4:
                    del data[at:]
                case 5:
                    data[at : at + 8] = rng.choice((b"\xff" * 8, bytes(8), b"\x80" * 8))
                case 6:
                    other = rng.choice(self.good[vendor.profile.id])
                    data[at:] = other[rng.randrange(len(other)) :]
                case 7:
                    data += rng.randbytes(rng.choice((1, 7, 4_000)))
        return bytes(data)

    def frame_changed(self, rng: Random, vendor: Vendor) -> bytes | None:
        """Confluent's frame: another magic byte, another id, less than a frame, nothing."""
        data = rng.choice(self.good[vendor.profile.id])
        return rng.choice(
            (
                bytes([rng.randrange(1, 256)]) + data[1:],
                struct.pack(">bI", 0, rng.randrange(1 << 32)) + data[HEAD_BYTES:],
                data[: rng.randrange(HEAD_BYTES + 1)],
                data[HEAD_BYTES:],
                data[:HEAD_BYTES] + data,
                data + bytes(rng.choice((70_000, 600_000))),
                None,
            )
        )

    def foreign(self, rng: Random, vendor: Vendor) -> bytes:
        """A value of another maker, one of our own topics', or its bytes under this schema's id."""
        data = rng.choice([*self._ours, *rng.choice(list(self.good.values()))])
        if rng.random() < 0.5:
            data = self.good[vendor.profile.id][0][:HEAD_BYTES] + data[HEAD_BYTES:]
        return data

    def numbers(self, rng: Random, vendor: Vendor) -> bytes:
        """Numbers no sensor gives, in their places: stamps, positions, counts."""
        if vendor.schema.kind == "json":
            return self._json_numbers(rng, vendor)
        value = dict(self._fields[vendor.profile.id])
        blocks = block_fields(vendor.schema.document)
        if not blocks:
            data = bytearray(rng.choice(self.good[vendor.profile.id]))
            for _ in range(rng.randrange(1, 12)):
                at = rng.randrange(HEAD_BYTES, len(data) - 8)
                data[at : at + 8] = struct.pack("<d", rng.choice(NUMBERS))
            return bytes(data)
        for name in rng.sample(sorted(blocks), min(len(blocks), rng.choice((1, 2, 99)))):
            block = blocks[name]
            rows = np.frombuffer(value[name], block.dtype).copy()  # type: ignore[call-overload]
            if rows.dtype.kind == "f":
                with np.errstate(all="ignore"):
                    chosen = np.array([rng.choice(NUMBERS) for _ in range(8)]).astype(rows.dtype)
            elif rows.dtype.kind == "b":
                chosen = np.frombuffer(rng.randbytes(8), rows.dtype)
            else:
                limits = np.iinfo(rows.dtype)
                chosen = np.array([limits.min, limits.max, 0, 1] * 2, rows.dtype)
            where = [rng.randrange(len(rows)) for _ in range(rng.choice((1, 8, 8)))]
            rows[where] = chosen[: len(where)]
            value[name] = rows.tobytes()
        return encode(vendor.schema, value)

    def _json_numbers(self, rng: Random, vendor: Vendor) -> bytes:
        """A cell, a row, a column or the whole message replaced by words JSON has for numbers."""
        value = orjson.loads(orjson.dumps(self._fields[vendor.profile.id]))
        mark = "@@"
        name = rng.choice(sorted(value))
        column = value[name]
        depth = rng.randrange(4)
        if depth == 0 or not isinstance(column, list):
            value[name] = mark
        elif depth == 1 or not isinstance(column[0], list):
            column[rng.randrange(len(column))] = mark
        elif depth == 2:
            row = rng.choice(column)
            row[rng.randrange(len(row))] = mark
        else:
            rng.choice(column).append(mark)
        text = orjson.dumps(value).replace(f'"{mark}"'.encode(), rng.choice(NUMBER_WORDS).encode())
        if rng.random() < 0.05:
            text = text[:-1] + b"," + text[1:]
        return self.good[vendor.profile.id][0][:HEAD_BYTES] + text

    def bomb(self, rng: Random, vendor: Vendor) -> bytes:
        """Small things that become large: nesting, counts, lengths, compression."""
        head = self.good[vendor.profile.id][0][:HEAD_BYTES]
        if vendor.schema.kind == "json" and rng.random() < 0.8:
            return head + json_bomb(rng, sorted(self._fields[vendor.profile.id]))
        count = rng.choice((1 << 20, 1 << 31, 1 << 40, (1 << 62) - 1, -(1 << 40), -1))
        return head + rng.choice(
            (
                zigzag(count) + rng.randbytes(20),
                zigzag(-abs(count)) + zigzag(count) + bytes(50),
                b"".join(zigzag(rng.choice((1, 2, count))) for _ in range(40)),
                b"\x02" * rng.choice((100, 60_000)),
                b"\x00" * rng.choice((100, 60_000, 70_000)),
                b"\x80" * rng.choice((9, 10, 11, 5_000)),
                gzip.compress(bytes(1 << 20), 1),
                zlib.compress(bytes(1 << 20), 1),
                zstd.compress(bytes(1 << 20), 1),
            )
        )


def json_bomb(rng: Random, fields: list[str]) -> bytes:
    """JSON that is small to send and would be dear to hold."""
    deep = rng.choice((30, 200, 1_000, 1_100, 60_000))
    name = orjson.dumps(rng.choice(fields))
    word = b'"' + b"x" * rng.choice((1_000, 250_000)) + b'"'
    wide = b",".join([b'""'] * rng.choice((64, 20_000)))
    match rng.randrange(10):
        case 0:
            return b"[" * deep
        case 1:
            return b"[" * deep + b"]" * deep
        case 2:
            return b'{"a":' * deep + b"1" + b"}" * deep
        case 3:
            return b"{" + name + b":" + b"[" * deep + b"0" + b"]" * deep + b"}"
        case 4:  # numpy would make each cell as wide as the widest.
            return b"{" + name + b":[" + word + b"," + wide + b"]}"
        case 5:
            cells = b",".join([b"[" + word + b"]"] + [b'[""]'] * (FRAMES - 1))
            return b"{" + name + b":[" + cells + b"]}"
        case 6:
            return b"{" + name + b":[" + b",".join([b"[]"] * FRAMES) + b"]}"
        case 7:
            return (
                b"{"
                + b",".join(b'"k%d":%d' % (i, i) for i in range(rng.choice((9, 30_000))))
                + b"}"
            )
        case 8:
            return b"{" + b",".join([name + b":[1,2,3,4]"] * rng.choice((2, 20_000))) + b"}"
        case _:
            row = b"[" + b",".join([b"0"] * rng.choice((1, 513, 60_000))) + b"]"
            return b"{" + name + b":[" + b",".join([row] * FRAMES) + b"]}"


def zigzag(number: int) -> bytes:
    """An Avro long."""
    coded = (number << 1) ^ (number >> 63)
    out = bytearray()
    while coded & ~0x7F:
        out.append((coded & 0x7F) | 0x80)
        coded >>= 7
    out.append(coded)
    return bytes(out)
