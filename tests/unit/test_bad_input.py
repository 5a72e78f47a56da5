"""Whatever is wrong becomes a dead letter with bytes, origin, reason; the next record is fine."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from schemas.codec import encode
from schemas.envelope import Kind
from schemas.rejected import Reason
from streams.checkpoint import checkpointed
from streams.records import PlainRecord
from tests import make

GOOD = make.gr1_value(np.zeros((2, 44)), np.array([0.0, 0.05]))


def gr1(value: object = GOOD, frames: int = 2, **changes: object) -> PlainRecord:
    return make.chunk("fourier", value, frames, **changes)


def good_bytes() -> bytes:
    return encode(make.vendor("fourier").schema, GOOD)


BAD = {
    "no envelope": (lambda: replace(gr1(), headers=[]), Reason.MISSING_ENVELOPE),
    "a header is gone": (
        lambda: replace(gr1(), headers=[h for h in gr1().headers if h[0] != "session"]),
        Reason.BAD_ENVELOPE,
    ),
    "session is no ULID": (lambda: gr1(session="../../etc/passwd"), Reason.BAD_ENVELOPE),
    "robot is no name": (lambda: gr1(robot="fourier/../x"), Reason.BAD_ENVELOPE),
    "65 frames": (lambda: gr1(frames=65), Reason.BAD_ENVELOPE),
    "negative sequence": (lambda: gr1(sequence=-1), Reason.BAD_ENVELOPE),
    "unknown vendor": (lambda: gr1(robot="acme/1"), Reason.UNKNOWN_VENDOR),
    "unknown profile": (lambda: gr1(profile="fourier-gr1@99"), Reason.UNKNOWN_PROFILE),
    "another vendor's profile": (lambda: gr1(profile="iit-icub@1"), Reason.UNKNOWN_PROFILE),
    "truncated": (lambda: gr1(good_bytes()[:-3]), Reason.TRUNCATED),
    "only the frame": (lambda: gr1(good_bytes()[:5]), Reason.TRUNCATED),
    "empty": (lambda: gr1(b""), Reason.TRUNCATED),
    "no value": (lambda: replace(gr1(), value=None), Reason.UNDECODABLE),
    "bytes left over": (lambda: gr1(good_bytes() + b"\0"), Reason.UNDECODABLE),
    "no Confluent frame": (lambda: gr1(b"\x01" + good_bytes()[1:]), Reason.UNDECODABLE),
    "unknown schema id": (
        lambda: gr1(struct.pack(">bI", 0, 7) + good_bytes()[5:]),
        Reason.UNKNOWN_SCHEMA,
    ),
    "another vendor's schema": (
        lambda: gr1(encode(make.vendor("pollen").schema, make.reachy_value())),
        Reason.UNKNOWN_SCHEMA,
    ),
    "43 joints": (
        lambda: gr1({**GOOD, "observation_state": np.zeros((2, 43)).tobytes()}),
        Reason.WRONG_SHAPE,
    ),
    "three frames instead of two": (lambda: gr1(GOOD, 3), Reason.WRONG_SHAPE),
    "time is NaN": (
        lambda: gr1(make.gr1_value(np.zeros((2, 44)), np.array([0.0, np.nan]))),
        Reason.BAD_TIME,
    ),
    "time beyond all bounds": (
        lambda: gr1(make.gr1_value(np.zeros((2, 44)), np.array([0.0, 1e300]))),
        Reason.BAD_TIME,
    ),
    "5 MB": (lambda: gr1(b"\0" * 5_000_000), Reason.TOO_LARGE),
    "JSON cut off": (lambda: make.chunk("pollen", _reachy()[:-4], 1), Reason.TRUNCATED),
    "JSON with a word for a number": (
        lambda: make.chunk("pollen", make.reachy_value(l_hand=["open"]), 1),
        Reason.WRONG_SHAPE,
    ),
    "JSON with a number as a word": (
        lambda: make.chunk("pollen", make.reachy_value(l_hand=["1.5"]), 1),
        Reason.WRONG_SHAPE,
    ),
    "JSON with ragged rows": (
        lambda: make.chunk("pollen", make.reachy_value(2, l_arm=[[0.0] * 7, [0.0] * 6]), 2),
        Reason.WRONG_SHAPE,
    ),
    "JSON with six joints": (
        lambda: make.chunk("pollen", make.reachy_value(l_arm=[[0.0] * 6]), 1),
        Reason.WRONG_SHAPE,
    ),
    "JSON without a field": (
        lambda: make.chunk("pollen", _without("head"), 1),
        Reason.MISSING_FIELD,
    ),
    "JSON that is a list": (lambda: make.chunk("pollen", [1, 2], 1), Reason.WRONG_SHAPE),
    "JSON null as time": (
        lambda: make.chunk("pollen", make.reachy_value(time=[None]), 1),
        Reason.BAD_TIME,
    ),
    "a sequence beyond a key's digits": (lambda: gr1(sequence=10**10), Reason.BAD_ENVELOPE),
    "the largest sequence of an int64": (lambda: gr1(sequence=2**63 - 1), Reason.BAD_ENVELOPE),
    "a frame beyond a key's digits": (lambda: gr1(first_frame=10**12), Reason.BAD_ENVELOPE),
    "published beyond all time": (lambda: gr1(published_ns=2**62), Reason.BAD_ENVELOPE),
    "a header twice": (
        lambda: replace(gr1(), headers=[*gr1().headers, ("robot", b"fourier/other")]),
        Reason.BAD_ENVELOPE,
    ),
    "a chunk that says it is a tick, too": (
        lambda: replace(gr1(), headers=[*gr1().headers, ("kind", b"tick")]),
        Reason.BAD_ENVELOPE,
    ),
    "a frame index without a clock beyond all time": (
        lambda: make.chunk(
            "xhumanoid", {"FrameDuration": 0.1, "Frames": [[0.0] * 52]}, 1, first_frame=10**12 - 1
        ),
        Reason.BAD_TIME,
    ),
    "stamps too far apart for an int64": (
        lambda: gr1(make.gr1_value(np.zeros((2, 44)), np.array([-4.6e9, 4.6e9]))),
        Reason.BAD_TIME,
    ),
    "JSON with one long word among many cells": (
        lambda: make.chunk("pollen", make.reachy_value(2, l_arm=[["x" * 99_999], [""] * 9]), 2),
        Reason.WRONG_SHAPE,
    ),
    "JSON rows without columns": (
        lambda: make.chunk("pollen", make.reachy_value(2, l_arm=[[], []]), 2),
        Reason.WRONG_SHAPE,
    ),
    "JSON with true for a number": (
        lambda: make.chunk("pollen", make.reachy_value(l_hand=[True]), 1),
        Reason.WRONG_SHAPE,
    ),
    "JSON nested a thousand deep": (
        lambda: make.chunk("pollen", _reachy()[:5] + b"[" * 1_000 + b"]" * 1_000, 1),
        Reason.WRONG_SHAPE,
    ),
    "a mark whose last sequence is no number of a record": (
        lambda: replace(
            gr1(b"", 0, kind=Kind.MARK), value=b'{"mark":"session_end","last_sequence":1e30}'
        ),
        Reason.BAD_MARK,
    ),
    "a mark that is no mark": (
        lambda: replace(gr1(b"{}", 0, kind=Kind.MARK), value=b"{}"),
        Reason.BAD_MARK,
    ),
}  # fmt: skip


def _without(field: str) -> dict[str, object]:
    return {name: column for name, column in make.reachy_value().items() if name != field}


def _reachy() -> bytes:
    return encode(make.vendor("pollen").schema, make.reachy_value())


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_a_dead_letter_and_the_next_record_flows(case: str) -> None:
    build, reason = BAD[case]
    bad = build()
    name = bad.topic.removeprefix("raw.")
    if name == "pollen":
        good = make.chunk("pollen", make.reachy_value(), 1, offset=1, sequence=1)
    else:
        good = gr1(offset=1, sequence=1)
    _, outputs = make.run([bad, good])
    (letter,) = make.dead_letters(outputs)
    assert letter.reason == reason, letter.detail
    assert letter.value == bad.value
    assert letter.headers == list(bad.headers)
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == (bad.topic, 0, 0)
    assert letter.detail
    assert len(make.chunks(outputs)) == 1


def test_what_is_refused_leaves_a_state_that_can_be_written() -> None:
    records = [gr1()]
    records += [gr1(offset=i + 1, sequence=n) for i, n in enumerate((10**10 - 1, 2**63 - 1, 5))]
    state, _ = make.run(records)
    assert len(checkpointed(state)[1]) == 2


def test_a_refused_chunk_is_welcome_once_it_is_mended() -> None:
    state, _ = make.run([gr1(), gr1(good_bytes()[:-3], offset=1, sequence=1, first_frame=2)])
    _, outputs = make.run([gr1(offset=2, sequence=1, first_frame=2)], state)
    assert [c.sequence for c in make.chunks(outputs)] == [1]


def test_nan_in_a_signal_is_kept_and_flagged_on_its_joint() -> None:
    position = np.zeros((2, 44))
    position[1, 3] = np.nan
    _, outputs = make.run([gr1(make.gr1_value(position, np.array([0.0, 0.05])))])
    (chunk,) = make.chunks(outputs)
    assert np.isnan(chunk.position[1, 3])
    assert np.isfinite(np.delete(chunk.position, 3, axis=1)).all()
    (finding,) = [f for f in make.findings(outputs) if f.check == "non_finite"]
    assert finding.channel == "left_elbow_pitch_joint"
    assert (finding.first_frame, finding.last_frame, finding.frames) == (1, 2, 1)
    assert chunk.flags[1] & np.uint64(1 << 4)
    assert not chunk.flags[0] & np.uint64(1 << 4)
