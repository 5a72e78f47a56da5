"""Readers against the recordings themselves: counts, values bit for bit, tasks, chunk sizes."""

from __future__ import annotations

import json

import h5py
import krec
import numpy as np
import pyarrow.parquet as pq
import pytest

from producers.recordings.find import find_recordings, single_recording
from producers.recordings.read import open_recording
from producers.recordings.recording import RecordingError, frames_per_chunk, spans
from producers.replay import replay, wait_seconds
from producers.sdk.form import Form
from producers.sdk.session import Session
from schemas.blocks import block_array, block_fields
from schemas.limits import MAX_FRAMES
from schemas.vendors import load_vendors
from tests.fake_kafka import FakeKafka, close_links

VENDORS = load_vendors()
COUNTS = {"unitree": 5, "fourier": 3, "pollen": 5, "iit": 1, "kscale": 2, "xhumanoid": 1}


def form_of(recording):
    vendor = VENDORS.newest(recording.vendor)
    return Form(vendor.profile, vendor.schema)


@pytest.fixture(scope="module")
def recordings(shared_dir):
    return find_recordings(shared_dir / "recordings")


def of(recordings, vendor):
    return [each for each in recordings if each.vendor == vendor]


def column(recording, name):
    """All frames of one block or list, as the reader gives them."""
    form = form_of(recording)
    blocks = block_fields(form.schema.document)
    parts = [chunk.value[name] for chunk in open_recording(recording, form).chunks]
    if name in blocks:
        return np.concatenate([block_array(blocks[name], part) for part in parts])
    return [entry for part in parts for entry in part]


@pytest.mark.shared
def test_all_recordings_of_the_six_makers_are_found(recordings):
    found = {vendor: len(of(recordings, vendor)) for vendor in VENDORS.names}
    assert {vendor: n for vendor, n in found.items() if n} == COUNTS
    assert len({each.robot for each in recordings}) == sum(COUNTS.values())


@pytest.mark.shared
def test_every_chunk_fits_its_schema_and_no_frame_is_left_out(recordings):
    for recording in recordings:
        form = form_of(recording)
        take = open_recording(recording, form)
        assert take.task
        frames, latest = 0, 0.0
        for chunk in take.chunks:
            assert len(form.encode(chunk.value)) <= form.max_bytes
            assert 1 <= chunk.frames <= MAX_FRAMES
            assert chunk.end_s >= latest
            frames, latest = frames + chunk.frames, chunk.end_s
        assert frames == take.frames


@pytest.mark.shared
@pytest.mark.parametrize("vendor", ["unitree", "fourier"])
def test_parquet_numbers_are_untouched(recordings, vendor):
    for recording in of(recordings, vendor):
        table = pq.read_table(recording.path)
        for name in ("observation.state", "action"):
            own = np.array(table[name].to_pylist(), column(recording, name.replace(".", "_")).dtype)
            assert column(recording, name.replace(".", "_")).tobytes() == own.tobytes()
        stamps = column(recording, "timestamp")
        assert stamps.tolist() == table["timestamp"].to_pylist()


@pytest.mark.shared
def test_json_columns_are_untouched(recordings):
    for recording in of(recordings, "pollen"):
        own = json.loads(recording.path.read_text())
        for name in ("time", "l_arm", "r_hand"):
            assert column(recording, name) == own[name]


@pytest.mark.shared
def test_hdf5_numbers_are_untouched(recordings):
    (recording,) = of(recordings, "iit")
    with h5py.File(recording.path) as file:
        for name in ("estimatorJointsTime", "estimatorJointsPos", "imuOmega", "lfForceZ"):
            own = file[name][()].T
            assert column(recording, name).tobytes() == own.tobytes()


@pytest.mark.shared
def test_rows_of_text_are_untouched(recordings):
    (recording,) = of(recordings, "xhumanoid")
    own = json.loads(recording.path.read_text())
    assert column(recording, "Frames") == own["Frames"]


@pytest.mark.shared
def test_krec_frames_keep_order_repeats_and_empty_ones(recordings):
    for recording in of(recordings, "kscale"):
        own = list(krec.KRec.load(str(recording.path)))
        frames = column(recording, "frames")
        assert [f["real_timestamp"] for f in frames] == [f.real_timestamp for f in own]
        for frame, theirs in zip(frames, own, strict=True):
            states = [(s.actuator_id, s.position) for s in theirs.get_actuator_states()]
            assert [(s["actuator_id"], s["position"]) for s in frame["actuator_states"]] == states
            commands = [c.position for c in theirs.get_actuator_commands()]
            assert [c["position"] for c in frame["actuator_commands"]] == commands
    assert any(not frame["actuator_states"] for frame in frames)


@pytest.mark.shared
def test_tasks_are_as_the_files_tell_them(recordings):
    tasks = {r.serial: open_recording(r, form_of(r)).task for r in recordings}
    assert tasks["g1-inspire-ep017"] == "Pick up the yellow bottle on the table."
    assert tasks["gr1-sim-ep002"] == "pick the meat from the counter and place it in the plate"
    assert tasks["reachy2-dance3"] == "dance3"
    assert tasks["kbot-actuator_31_left_hip_pitch_sinewave"].startswith("sine_wave_motor_31")


@pytest.mark.shared
def test_chunks_take_about_100_ms(recordings):
    sizes = {r.serial: next(open_recording(r, form_of(r)).chunks).frames for r in recordings}
    assert sizes["icub-walking"] == 10
    assert sizes["reachy2-affection1"] == 7
    assert sizes["g1-inspire-ep000"] == 3
    assert sizes["kbot-actuator_22_right_arm_shoulder_roll_movement"] == 1


@pytest.mark.shared
def test_a_single_file_and_its_vendor_are_enough(recordings):
    listed = of(recordings, "pollen")[0]
    alone = single_recording(listed.path, "pollen")
    assert alone.robot == "pollen/affection1"
    assert open_recording(alone, form_of(alone)).frames == 648


@pytest.mark.shared
def test_a_file_of_another_vendor_is_told(recordings):
    wrong = single_recording(of(recordings, "unitree")[0].path, "fourier")
    with pytest.raises(RecordingError, match="observation_state"):
        open_recording(wrong, form_of(wrong))


@pytest.mark.shared
def test_a_replay_publishes_every_frame_in_its_time(recordings):
    recording = of(recordings, "pollen")[-1]
    kafka = FakeKafka()
    now = [100.0]
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        now[0] += seconds

    counts = replay(
        recording,
        lambda r: Session.open(r.robot, "pollen-reachy2@1", link=kafka.link()),
        "real",
        clock=lambda: now[0],
        sleep=sleep,
    )
    close_links()
    assert counts.read_frames == counts.published_frames == counts.acknowledged_frames == 134
    assert sum(waits) == pytest.approx(4.498, abs=0.2)
    kinds = [headers["kind"] for *_, headers in kafka.log]
    assert kinds == [b"mark"] * 2 + [b"chunk"] * counts.chunks + [b"mark"] * 2


def test_a_missing_index_says_what_to_do(tmp_path):
    with pytest.raises(RecordingError, match="--vendor"):
        find_recordings(tmp_path)
    with pytest.raises(RecordingError, match="is no file"):
        single_recording(tmp_path / "none", "pollen")


@pytest.mark.parametrize(("rate", "frames"), [(0.14, 1), (10, 1), (30, 3), (100, 10), (5000, 64)])
def test_frames_per_chunk(rate, frames):
    assert frames_per_chunk(rate) == frames


def test_spans_cover_every_frame_once():
    assert list(spans(10, 4)) == [(0, 4), (4, 8), (8, 10)]
    assert list(spans(0, 4)) == []


def test_pacing():
    assert wait_seconds("real", end_s=2.0, passed_s=1.5) == 0.5
    assert wait_seconds("real", end_s=2.0, passed_s=2.5) == 0.0
    assert wait_seconds("max", end_s=2.0, passed_s=0.0) == 0.0
