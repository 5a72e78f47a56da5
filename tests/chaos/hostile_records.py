"""Hostile records: values, envelopes, marks and headers put together, each from one seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import orjson

from schemas.codec import HEAD_BYTES
from schemas.envelope import Kind, envelope_headers, station_mark_headers, tick_headers
from schemas.marks import Mark, MarkKind
from schemas.redrive import REDRIVE
from schemas.vendors import Vendor
from streams.records import PlainRecord
from tests import make
from tests.chaos.hostile_values import FRAMES, Values, vendors

_SEQUENCES = ("0", "1", "9999999999", "10000000000", "9223372036854775807", "9223372036854775808")
NASTY = (
    "../../etc/passwd", "fourier/../../x", "fourier/..", "fourier/.", "fourier/%2e%2e%2fx",
    "fourier/a/b", "fourier//a", "/fourier/a", "fourier/", "fourier", "", " ", "fourier/unit-1 ",
    " fourier/unit-1", "fourier/unit-1.", "fourier/unit-1\x00", "fourier/unit-1\n",
    "fourier/UNIT-1", "Fourier/unit-1", "FOURIER/unit-1", "fоurier/unit-1", "fourier/unit‐1",
    "fourier/unit-１",
    "fourier/unit\u200b-1", "\ufefffourier/unit-1", "fourier/u\u0308nit", "fourier/\u00fcnit",
    "fourier/ſ", "fourier/\u202eunit", "fourier/'; DROP TABLE frames; --",
    "fourier/' OR '1'='1", "fourier/x\\'; SELECT 1", "fourier/{robot:String}", "fourier/`id`",
    "fourier/$(id)", "fourier/con", "fourier/a:b", "fourier/-x", "fourier/.hidden",
    "@raw.fourier/0",
    "fourier/" + "x" * 63, "fourier/" + "x" * 64, "x" * 5_000, "pollen/unit-1", "acme/unit-1",
    "raw.fourier/1", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav",
    "81ARZ3NDEKTSV4RRFFQ69G5FAV", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "00000000000000000000000000",
    "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVV", "O1ARZ3NDEKTSV4RRFFQ69G5FAV",
    "fourier-gr1@1", "fourier-gr1@01", "fourier-gr1@1 ", "fourier-gr1", "FOURIER-GR1@1",
    "chunk", "mark", "tick", "CHUNK", "chunk ", "-1", "+1", "1.0", "1e3", "0x10", "１", "٣", "1_0",
    "00000000000000000001", "9" * 19, "9" * 30, "nan", "\ud7ff", "\U0001f916", *_SEQUENCES,
)  # fmt: skip
_RAW = (b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00", b"", b"\xf4\x90\x80\x80", None)
_NAMES = (
    "kind",
    "robot",
    "session",
    "sequence",
    "first_frame",
    "frames",
    "published_ns",
    "profile",
)


@dataclass(frozen=True)
class Hostile:
    """One input: what was done to it, and the record."""

    kind: str
    record: PlainRecord


class Records:
    """Makes the i-th input of a seed, always the same."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.values = Values()
        self.vendors = vendors()

    def vendor(self, i: int) -> Vendor:
        """On whose topic the i-th input comes."""
        return Random(f"{self.seed}/{i}").choice(self.vendors)

    def make(self, i: int, offset: int, log_ms: int) -> Hostile:
        """The i-th input of this seed, at an offset and log time."""
        rng = Random(f"{self.seed}/{i}")
        vendor = rng.choice(self.vendors)
        base = self._good(rng, vendor, offset, log_ms)
        kind = rng.choices(
            ("value", "envelope", "headers", "mark", "place", "redrive", "several", "good", "tick"),
            (40, 18, 6, 10, 10, 3, 6, 4, 1),
        )[0]
        match kind:
            case "value":
                kind, value = self.values.hostile(rng, vendor)
                return Hostile(kind, replace(base, value=value))
            case "envelope":
                return Hostile(kind, _with_headers(base, changed(rng, [*base.headers])))
            case "headers":
                return Hostile(kind, _with_headers(base, odd_headers(rng, [*base.headers])))
            case "mark":
                return Hostile(kind, self._mark(rng, vendor, base))
            case "place":
                return Hostile(kind, _with_headers(base, displaced(rng, [*base.headers])))
            case "redrive":
                told = f"{base.topic}/{rng.randrange(2)}/{rng.randrange(offset + 2)}/2".encode()
                header = (REDRIVE, rng.choice((told, b"x/0/0/2", b"\xff", None, b"9" * 900)))
                return Hostile(kind, _with_headers(base, [*base.headers, header]))
            case "several":
                value = self.values.hostile(rng, vendor)[1]
                headers = odd_headers(rng, changed(rng, [*base.headers]))
                key = rng.choice((None, b"", b"\xff", rng.randbytes(300), base.key))
                return Hostile(kind, replace(base, value=value, headers=headers, key=key))
            case "tick":
                return Hostile(kind, replace(base, value=b"", headers=tick_headers(log_ms * 10**6)))
        return Hostile(kind, base)

    def neighbour(self, n: int, vendor: Vendor, offset: int, log_ms: int) -> PlainRecord:
        """The n-th chunk of the robot that does nothing wrong, on the same partition."""
        return self._chunk(
            vendor, self.values.good[vendor.profile.id][n % 10], "good", n, offset, log_ms
        )

    def _good(self, rng: Random, vendor: Vendor, offset: int, log_ms: int) -> PlainRecord:
        value = rng.choice(self.values.good[vendor.profile.id][:10])
        robot = f"h{rng.randrange(12)}"
        return self._chunk(vendor, value, robot, rng.randrange(60), offset, log_ms)

    def _chunk(
        self, vendor: Vendor, value: bytes, serial: str, n: int, offset: int, log_ms: int
    ) -> PlainRecord:
        name = vendor.profile.vendor
        made = make.envelope(
            name, FRAMES, robot=f"{name}/{serial}", sequence=n, first_frame=n * FRAMES,
            published_ns=log_ms * 10**6,
        )  # fmt: skip
        return make.record(name, made, value, offset, log_ms)

    def _mark(self, rng: Random, vendor: Vendor, base: PlainRecord) -> PlainRecord:
        name = vendor.profile.vendor
        if rng.random() < 0.3:
            robot = f"{name}/h{rng.randrange(12)}"
            told = station_mark_headers(robot, make.SESSION, base.timestamp * 10**6)
            return replace(base, value=mark_value(rng, outside=True), headers=told)
        made = make.envelope(
            name, 0, kind=Kind.MARK, robot=f"{name}/h{rng.randrange(12)}",
            sequence=rng.randrange(80), first_frame=rng.choice((0, 4, 400, 10**12 - 1)),
        )  # fmt: skip
        return replace(base, value=mark_value(rng), headers=envelope_headers(made))


def changed(rng: Random, headers: list[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    """One or two of the envelope's headers say something else."""
    for _ in range(rng.choice((1, 1, 2))):
        i = rng.randrange(len(headers))
        nasty = rng.choice((*NASTY, *_RAW))
        headers[i] = (headers[i][0], nasty.encode() if isinstance(nasty, str) else nasty)
    return headers


def odd_headers(
    rng: Random, headers: list[tuple[str, bytes | None]]
) -> list[tuple[str, bytes | None]]:
    """Headers gone, doubled, in another order, too many, too large."""
    i = rng.randrange(len(headers))
    match rng.randrange(8):
        case 0:
            del headers[i]
        case 1:
            headers.insert(rng.randrange(9), headers[i])
        case 2:
            headers.insert(rng.randrange(9), (headers[i][0], rng.choice(NASTY).encode()))
        case 3:
            rng.shuffle(headers)
        case 4:
            headers = [(f"h{n}", b"x") for n in range(rng.choice((10, 2_000)))] + headers
        case 5:
            size = rng.choice((129, 65_536, 1 << 20) if rng.random() < 0.1 else (129, 4_096))
            headers[i] = (headers[i][0], b"9" * size)
        case 6:
            headers[i] = (rng.choice((headers[i][0].upper(), "", "\u0000", "é" * 99)), b"1")
        case _:
            headers = []
    return headers


def displaced(
    rng: Random, headers: list[tuple[str, bytes | None]]
) -> list[tuple[str, bytes | None]]:
    """Sequences, frames and times at the ends of their ranges; sessions old and far ahead."""
    told = dict(headers)
    match rng.randrange(5):
        case 0:
            told["sequence"] = rng.choice(_SEQUENCES).encode()
        case 1:
            told["first_frame"] = rng.choice(
                (*_SEQUENCES, "999999999999", "1000000000000")
            ).encode()
        case 2:
            told["frames"] = rng.choice(("0", "1", "3", "5", "64", "65", "4294967296")).encode()
        case 3:
            told["published_ns"] = rng.choice(("0", *_SEQUENCES, str(2**62))).encode()
        case _:
            session = rng.choice(("00000000000000000000000000", make.LATER_SESSION, make.SESSION))
            told["session"] = session.encode()
            # A session of its own makes stragglers of all others: that is this robot's own loss.
            told["robot"] = told["robot"] + b".reborn"
    return list(told.items())


def mark_value(rng: Random, outside: bool = False) -> bytes | None:
    """A mark's JSON: right, odd, or no mark at all; from `outside` it names a frame or time."""
    fields: dict[str, Any] = {
        name: rng.choice(NASTY)
        for name in ("task", "skill", "scene", "operator", "station")
        if rng.random() < 0.4
    }
    if outside:
        fields[rng.choice(("at_frame", "at_ns"))] = rng.choice((0, 90, 10**12 - 1, 2**62, 2**63))
    good = Mark.model_construct(mark=rng.choice(list(MarkKind)), **fields).to_json()
    number = rng.choice(("-1", "1e3", "9" * 30, "9" * 4_400, "9223372036854775808", "null", '"1"'))
    return rng.choice(
        (
            good,
            good,
            good[: rng.randrange(len(good))],
            good[:-1] + b',"extra":1}',
            good[:-1] + b',"last_sequence":' + number.encode() + b"}",
            good[:-1] + b',"success":"yes"}',
            good[:-1] + b',"task":"\\ud800"}',
            good[:-1] + b',"task":"\xff"}',
            good[:-1] + b',"task":"a","task":"b"}',
            b'{"mark":' + b"[" * 900 + b"]" * 900 + b"}",
            b"[" * 16_000,
            orjson.dumps({"mark": "episode_start", "task": "x" * 16_000}),
            b"null",
            b"",
            bytes(HEAD_BYTES) + good,
            None,
        )
    )


def _with_headers(record: PlainRecord, headers: list[tuple[str, bytes | None]]) -> PlainRecord:
    return replace(record, headers=headers)
