"""A crash at any byte: nothing that was taken is lost, nothing is renumbered."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.sdk.record import Outgoing
from producers.sdk.spool import Spool, SpoolLimits
from schemas.envelope import Kind

LIMITS = SpoolLimits(max_bytes=10**6, segment_bytes=400)
SIZES = st.lists(st.integers(0, 300), min_size=1, max_size=12)


def records(sizes):
    first_frame, found = 0, []
    for sequence, size in enumerate(sizes):
        frames = sequence % 4
        value = bytes((sequence + n) % 256 for n in range(size))
        found.append(Outgoing(Kind.CHUNK, sequence, first_frame, frames, sequence, value))
        first_frame += frames
    return found


def newest(folder):
    return max(folder.glob("*.wal"))


@settings(max_examples=150, deadline=None)
@given(sizes=SIZES, cut=st.floats(0, 1), acknowledged=st.integers(-1, 12))
def test_cut_anywhere_in_the_newest_file(sizes, cut, acknowledged):
    """What stands whole is kept, and the next record gets the number after it."""
    own = records(sizes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "spool"
        spool = Spool(folder, LIMITS)
        ends = []
        for record in own:
            spool.append(record)
            ends.append((newest(folder), newest(folder).stat().st_size))
        upto = min(acknowledged, len(own) - 1)
        if upto >= 0:
            spool.acknowledge(upto)
        last = newest(folder)
        length = round(cut * last.stat().st_size)
        left = Path(name) / "left"
        shutil.copytree(folder, left)
        (left / last.name).write_bytes(last.read_bytes()[:length])
        spool.close()

        whole = [
            record
            for record, (path, end) in zip(own, ends, strict=True)
            if path != last or end <= length
        ]
        again = Spool(left, LIMITS)
        assert again.acknowledged == upto
        found = again.after(upto, 10**6)
        at = upto
        everything = []
        while found:
            everything += found
            at = found[-1].sequence
            found = again.after(at, 10**6)
        assert everything == [record for record in whole if record.sequence > upto]
        assert again.next_sequence == max(len(whole), upto + 1)
        if again.resumable:
            assert len(whole) > upto
            place = whole[-1].first_frame + whole[-1].frames if whole else 0
            assert again.next_frame == place
        again.close()


@settings(max_examples=100, deadline=None)
@given(
    sizes=SIZES,
    steps=st.lists(st.sampled_from(["append", "acknowledge", "reopen"]), max_size=40),
    data=st.data(),
)
def test_any_history_of_taking_acknowledging_and_crashing(sizes, steps, data):
    """Whatever happens, what is not acknowledged is there, in order, under its own number."""
    sizes = iter(sizes * 40)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spool = Spool(folder, LIMITS)
        model, acknowledged = [], -1
        for step in steps:
            if step == "append":
                record = Outgoing(
                    Kind.CHUNK, spool.next_sequence, spool.next_frame, 3, 7, b"x" * next(sizes)
                )
                spool.append(record)
                model.append(record)
            elif step == "acknowledge" and len(model) > acknowledged + 1:
                acknowledged = data.draw(st.integers(acknowledged + 1, len(model) - 1))
                spool.acknowledge(acknowledged)
            elif step == "reopen":
                spool.close()
                spool = Spool(folder, LIMITS)
            assert spool.next_sequence == len(model)
            assert spool.next_frame == 3 * len(model)
            waiting, at = [], acknowledged
            while batch := spool.after(at, 500):
                waiting += batch
                at = batch[-1].sequence
            assert waiting == model[acknowledged + 1 :]
        spool.close()
