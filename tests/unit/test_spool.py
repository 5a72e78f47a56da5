"""The spool on disk: order, bound, segments, torn ends, damage, what is deleted when."""

from __future__ import annotations

import os

import pytest

from producers.sdk.backlog import MemoryBacklog, SpoolFullError
from producers.sdk.flight import Flight, Flown
from producers.sdk.record import HEAD_BYTES, Outgoing, read_record, record_head
from producers.sdk.segment import HEADER_BYTES, SpoolDamagedError
from producers.sdk.spool import Spool, SpoolLimits
from producers.sdk.spool_root import SessionState, begin_session, load_sessions
from schemas.envelope import Kind
from tests.small_disk import fill, small_disk

SMALL = SpoolLimits(max_bytes=100_000, segment_bytes=1_000)


def record(sequence, size=100, last=False):
    value = bytes([sequence % 251]) * size
    return Outgoing(Kind.CHUNK, sequence, sequence * 8, 8, 1_000 + sequence, value, last)


def filled(folder, count, limits=SMALL):
    spool = Spool(folder, limits)
    for sequence in range(count):
        spool.append(record(sequence))
    return spool


def segments(folder):
    return sorted(folder.glob("*.wal"))


def test_a_record_reads_back_the_same():
    for kind in (Kind.CHUNK, Kind.MARK):
        own = Outgoing(kind, 2**40, 2**41, 64, 2**60, b"value" * 20, True)
        data = record_head(own) + own.value
        assert read_record(data, 0) == (own, len(data))
        assert own.stored_bytes == len(data) == HEAD_BYTES + 100


@pytest.mark.parametrize("make", [lambda p: Spool(p, SMALL), lambda p: MemoryBacklog(100_000)])
def test_both_backlogs_give_records_in_order_and_let_go_of_acknowledged_ones(tmp_path, make):
    backlog = make(tmp_path)
    for sequence in range(60):
        backlog.append(record(sequence))
    assert backlog.next_sequence == 60
    assert backlog.next_frame == 480
    found, at = [], -1
    while batch := backlog.after(at, 700):
        found += batch
        at = batch[-1].sequence
    assert found == [record(sequence) for sequence in range(60)]
    backlog.acknowledge(30)
    assert backlog.acknowledged == 30
    assert backlog.after(30, 1)[0] == record(31)
    backlog.acknowledge(59)
    assert backlog.after(59, 1_000) == []
    backlog.close()


@pytest.mark.parametrize(
    "make",
    [lambda p: Spool(p, SpoolLimits(5_000, 1_000)), lambda p: MemoryBacklog(5_000)],
)
def test_both_backlogs_are_bounded_and_take_more_once_there_is_room(tmp_path, make):
    backlog = make(tmp_path)
    taken = 5_000 // record(0).stored_bytes - 1
    for sequence in range(taken - 1):
        backlog.append(record(sequence))
    with pytest.raises(SpoolFullError):
        backlog.append(record(taken - 1, size=1_000))
    backlog.append(record(taken - 1))
    assert backlog.next_sequence == taken
    backlog.acknowledge(taken - 1)
    backlog.append(record(taken))
    assert backlog.after(taken - 1, 1)[0] == record(taken)


def test_segments_are_deleted_once_all_of_them_is_acknowledged(tmp_path):
    spool = filled(tmp_path, 60)
    assert len(segments(tmp_path)) > 5
    spool.acknowledge(58)
    assert len(segments(tmp_path)) == 1
    spool.close()


def test_reading_may_jump_back(tmp_path):
    spool = filled(tmp_path, 60)
    assert spool.after(40, 1)[0].sequence == 41
    assert spool.after(3, 1)[0].sequence == 4
    assert spool.after(4, 1)[0].sequence == 5
    spool.close()


def test_opened_again_it_knows_its_place_and_what_is_acknowledged(tmp_path):
    spool = filled(tmp_path, 60)
    spool.acknowledge(41)
    spool.close()
    again = Spool(tmp_path, SMALL)
    assert (again.next_sequence, again.next_frame, again.acknowledged) == (60, 480, 41)
    assert again.after(41, 10**6)[0] == record(42)
    assert again.resumable
    assert not again.ended
    again.append(record(60, last=True))
    assert again.ended
    again.close()


def test_the_place_is_kept_when_everything_is_acknowledged(tmp_path):
    spool = filled(tmp_path, 60)
    spool.acknowledge(59)
    spool.close()
    again = Spool(tmp_path, SMALL)
    assert (again.next_sequence, again.next_frame) == (60, 480)


def test_a_torn_mark_of_acknowledgement_means_sending_again(tmp_path):
    spool = filled(tmp_path, 3, SpoolLimits())
    spool.acknowledge(1)
    spool.close()
    with (tmp_path / "acknowledged").open("r+b") as mark:
        mark.write(b"\x09")
    assert Spool(tmp_path, SpoolLimits()).acknowledged == -1


def test_a_torn_last_record_is_cut_off(tmp_path):
    filled(tmp_path, 3, SpoolLimits()).close()
    path = segments(tmp_path)[0]
    os.truncate(path, path.stat().st_size - 1)
    again = Spool(tmp_path, SpoolLimits())
    assert again.next_sequence == 2
    again.append(record(2))
    assert [r.sequence for r in again.after(-1, 10**6)] == [0, 1, 2]


def test_damage_in_an_older_segment_is_told_and_nothing_is_changed(tmp_path):
    filled(tmp_path, 60).close()
    first = segments(tmp_path)[0]
    data = bytearray(first.read_bytes())
    data[HEADER_BYTES + HEAD_BYTES + 5] ^= 1
    first.write_bytes(data)
    with pytest.raises(SpoolDamagedError, match="move it away"):
        Spool(tmp_path, SMALL)
    assert first.read_bytes() == data


def test_a_newest_segment_without_a_whole_header_never_was(tmp_path):
    filled(tmp_path, 3, SpoolLimits()).close()
    (tmp_path / f"{3:020d}.wal").write_bytes(b"KBSP")
    again = Spool(tmp_path, SpoolLimits())
    assert again.next_sequence == 3
    assert len(segments(tmp_path)) == 1


def test_behind_an_empty_newest_segment_the_next_may_be_torn(tmp_path):
    """A power cut just after the roll: one lacks its header, the other its end."""
    filled(tmp_path, 60).close()
    *_, torn, empty = segments(tmp_path)
    held = Spool(tmp_path, SMALL).next_sequence
    os.truncate(torn, torn.stat().st_size - 1)
    os.truncate(empty, 0)
    again = Spool(tmp_path, SMALL)
    assert 0 < again.next_sequence < held
    assert next(r.sequence for r in again.after(-1, 10**6)) == 0


def test_sessions_are_sent_in_the_order_in_which_they_began(tmp_path):
    """Their names follow the robot's clock, which may be set back."""
    for name in ("01B", "01A", "01C"):
        state = SessionState("a/b", "p@1", name, "boot")
        begin_session(tmp_path, state, SpoolLimits(), load_sessions(tmp_path, SpoolLimits()))
    found = load_sessions(tmp_path, SpoolLimits())
    assert [one.state.session for one in found] == ["01B", "01A", "01C"]
    found[0].pin(4)
    assert load_sessions(tmp_path, SpoolLimits())[0].state.partitions == 4


def test_a_session_whose_state_cannot_be_read_stops_no_other(tmp_path):
    for name in ("broken", "whole"):
        state = SessionState("a/b", "p@1", name, "boot")
        begin_session(tmp_path, state, SpoolLimits(), []).spool.close()
    os.truncate(tmp_path / "broken" / "session.json", 0)
    assert [found.state.session for found in load_sessions(tmp_path, SpoolLimits())] == ["whole"]
    assert (tmp_path / "broken" / "session.json").exists()


def test_a_place_lost_to_a_power_cut_is_not_resumed(tmp_path):
    spool = filled(tmp_path, 3, SpoolLimits())
    spool.acknowledge(2)
    spool.close()
    segments(tmp_path)[0].unlink()
    again = Spool(tmp_path, SpoolLimits())
    assert not again.resumable
    assert again.after(again.acknowledged, 100) == []


def test_a_full_disk_leaves_no_half_record(tmp_path, monkeypatch):
    spool = filled(tmp_path, 3, SpoolLimits())
    whole = os.writev

    def half(file, parts):
        return whole(file, [parts[0], parts[1][: len(parts[1]) // 2]])

    with monkeypatch.context() as patched:
        patched.setattr(os, "writev", half)
        with pytest.raises(SpoolFullError):
            spool.append(record(3))
    spool.append(record(3))
    spool.close()
    again = Spool(tmp_path, SpoolLimits())
    assert again.after(-1, 10**6) == [record(sequence) for sequence in range(4)]


def test_what_the_disk_may_lack_is_given_out_once(tmp_path):
    spool = filled(tmp_path, 3, SpoolLimits())
    descriptors = spool.unsynced()
    assert len(descriptors) == 1
    assert spool.unsynced() == []
    for descriptor in descriptors:
        os.fdatasync(descriptor)
        os.close(descriptor)
    spool.close()


def test_a_flight_counts_only_what_has_no_gap_before_it():
    flight = Flight(-1)
    flown = [Flown(n, 8) for n in range(4)]
    for each in flown:
        flight.hand(each)
    assert flight.report(flown[1], delivered=True) == []
    assert flight.report(flown[0], delivered=True) == flown[:2]
    assert flight.report(flown[2], delivered=False) == []
    with pytest.raises(RuntimeError):
        flight.rewind(1)
    assert flight.report(flown[3], delivered=True) == []
    assert flight.failed
    flight.rewind(1)
    assert flight.handed == 1
    assert not flight.failed


def test_a_full_disk_refuses_and_keeps_what_was_taken(tmp_path):
    with small_disk(tmp_path / "disk", "4m") as disk:
        folder = disk / "spool"
        spool = Spool(folder, SpoolLimits(max_bytes=1 << 30, segment_bytes=50_000))
        ballast = fill(disk)
        taken = 0
        with pytest.raises(SpoolFullError):  # noqa: PT012
            for sequence in range(100_000):
                spool.append(record(sequence, 1_000))
                taken += 1
        spool.close()
        # A process that dies now, and begins again while the disk is still full.
        again = Spool(folder, SpoolLimits(max_bytes=1 << 30, segment_bytes=50_000))
        assert again.next_sequence == taken
        ballast.unlink()
        for sequence in range(taken, taken + 300):
            again.append(record(sequence, 1_000))
        found, at = [], -1
        while batch := again.after(at, 100_000):
            found += batch
            at = batch[-1].sequence
        again.close()
        assert found == [record(sequence, 1_000) for sequence in range(taken + 300)]
