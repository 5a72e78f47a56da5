"""The auditor's judgement on small logs made by hand: each defect is seen, and called by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.audit.compare import AtRest, Flight, FramesAtRest, Judgement, Outcome, Told, judge
from deploy.audit.lake import SegmentFile, runs_of
from deploy.audit.manifests import check_episodes
from deploy.audit.raw import RawBuilder, RawLog
from deploy.audit.report import SessionAudit
from deploy.audit.sessions import SessionLedger, read_ledger
from deploy.audit.tally import by_vendor
from schemas.envelope import Envelope, envelope_headers, tick_headers
from schemas.envelope import Kind as EnvelopeKind
from schemas.events import DeadLetter
from schemas.marks import Mark, MarkKind
from schemas.redrive import REDRIVE
from tests.canonical_make import SESSION

PLACE = ("raw.fourier", 0)
FRAMES = 10


def headers(sequence: int, kind: EnvelopeKind = EnvelopeKind.CHUNK) -> list[tuple[str, bytes]]:
    frames = FRAMES if kind is EnvelopeKind.CHUNK else 0
    return envelope_headers(
        Envelope(
            kind, "fourier/r1", SESSION, sequence, sequence * FRAMES, frames, 1, "fourier-gr1@1"
        )
    )


def log(*sequences: int, again: Mapping[int, int] | None = None) -> RawLog:
    """Chunks of these sequences, a tick, an unreadable record and the session's end.

    again: chunks that are redriven, by their offset, with their origin's.
    """
    count = len(sequences)
    builder = RawBuilder({PLACE: (0, count + 3)})
    for offset, sequence in enumerate(sequences):
        own = headers(sequence)
        if again and offset in again:
            own.append((REDRIVE, f"{PLACE[0]}/{PLACE[1]}/{again[offset]}/2".encode()))
        builder.add(PLACE, offset, own, b"x")
    builder.add(PLACE, count, tick_headers(1), None)
    builder.add(PLACE, count + 1, [("kind", b"chunk")], b"x")
    last = max(sequences) + 1
    mark = Mark(mark=MarkKind.SESSION_END, last_sequence=last)
    builder.add(PLACE, count + 2, headers(last, EnvelopeKind.MARK), mark.to_json())
    return builder.build()


def rest(*rows: int, processing: int = 0) -> AtRest:
    return AtRest(np.array(rows, np.int64), np.full(len(rows), processing))


def lake(raw: RawLog, *rows: int) -> FramesAtRest:
    """Whole chunks in the lake."""
    at = np.array(rows, np.int64)
    return FramesAtRest(at, np.zeros_like(at), raw.first_frame[at], np.full(len(at), FRAMES))


def with_frames(whole: FramesAtRest, row: int, first_frame: int, frames: int) -> FramesAtRest:
    """The same, and a run more."""
    run = (row, 0, first_frame, frames)
    return FramesAtRest(*map(np.append, vars(whole).values(), run))


def flight(raw: RawLog, **rows: Iterable[int]) -> Flight:
    flags = {}
    for name in ("unread", "to_clickhouse", "to_lake", "seen_before"):
        flags[name] = np.zeros(len(raw.key), bool)
        flags[name][list(rows.get(name, ()))] = True
    return Flight(**flags)


def judged(
    raw: RawLog,
    clickhouse: AtRest,
    in_lake: FramesAtRest,
    letters: Iterable[int] = (),
    on_its_way: Flight | None = None,
    **redriven: Iterable[int],
) -> tuple[Judgement, dict[str, int]]:
    """letters: rows refused; redriven: rows `settled`, refused `again`, refused `astray`."""
    rows = [letters, *(redriven.get(name, ()) for name in ("settled", "again", "astray"))]
    told = Told(*(np.array([*one], np.int64) for one in rows))
    found = judge(raw, clickhouse, in_lake, told, on_its_way or flight(raw))
    return found, {problem.kind: problem.count for problem in found.problems}


def outcomes(found: Judgement) -> list[Outcome]:
    return [Outcome(code) for code in found.outcome]


def test_a_chunk_whose_first_record_was_refused_is_judged_by_the_one_that_is_at_rest() -> None:
    """The robot sent the number again with other frames: the refused one says nothing of them."""
    builder = RawBuilder({PLACE: (0, 2)})
    for offset, (first_frame, frames) in enumerate(((900, 3), (0, FRAMES))):
        told = Envelope(
            EnvelopeKind.CHUNK, "fourier/r1", SESSION, 0, first_frame, frames, 1, "fourier-gr1@1"
        )
        builder.add(PLACE, offset, envelope_headers(told), b"x")
    raw = builder.build()
    found, problems = judged(raw, rest(1), lake(raw, 1), letters=[0])
    assert problems == {}
    assert found.outcome.tolist() == [Outcome.DEAD_LETTER, Outcome.CANONICAL]


def test_all_is_well() -> None:
    raw = log(0, 1, 1, 2)
    found, problems = judged(raw, rest(0, 1), lake(raw, 0, 1), letters=(3, 5))
    assert problems == {}
    assert outcomes(found) == [
        Outcome.CANONICAL,
        Outcome.CANONICAL,
        Outcome.DUPLICATE,
        Outcome.DEAD_LETTER,
        Outcome.TICK,
        Outcome.DEAD_LETTER,
        Outcome.MARK,
    ]
    letters = {
        (*PLACE, 3): DeadLetter(*PLACE, 3, 0, "truncated", "", FRAMES, 1, None, [], None),
        (*PLACE, 5): DeadLetter(*PLACE, 5, 0, "bad_envelope", "", 4, 1, None, [], None),
    }
    vendor = by_vendor(raw, found, letters)["fourier"]
    assert (vendor.read, vendor.canonical, vendor.duplicates) == (4 * FRAMES + 4, 20, 10)
    assert (vendor.clickhouse, vendor.object_storage) == (20, 20)
    assert vendor.rejected == {"truncated": 10, "bad_envelope": 4}


def test_the_stores_may_name_the_later_of_two_equal_records() -> None:
    raw = log(0, 1, 1)
    found, problems = judged(raw, rest(0, 2), lake(raw, 0, 1), letters=(4,))
    assert problems == {}
    assert outcomes(found)[:3] == [Outcome.CANONICAL, Outcome.CANONICAL, Outcome.DUPLICATE]


def test_missing_in_one_store_or_in_both() -> None:
    raw = log(0, 1, 2)
    found, problems = judged(raw, rest(0, 1), lake(raw, 0), letters=(4,))
    assert problems == {"missing_in_lake": 1, "nowhere": 1}
    assert outcomes(found)[:3] == [Outcome.CANONICAL, Outcome.MISSING, Outcome.MISSING]
    _, problems = judged(raw, rest(0), lake(raw, 0, 1, 2), letters=(4,))
    assert problems == {"missing_in_clickhouse": 2}


def test_one_frame_missing_or_doubled_in_the_lake() -> None:
    raw = log(0, 1)
    whole = lake(raw, 0, 1)
    for first, frames in ((1, FRAMES - 1), (0, FRAMES - 1)):
        short = with_frames(lake(raw, 1), 0, first, frames)
        assert judged(raw, rest(0, 1), short, letters=(3,))[1] == {"missing_in_lake": 1}
    hole = with_frames(with_frames(lake(raw, 1), 0, 0, 4), 0, 5, FRAMES - 5)
    assert judged(raw, rest(0, 1), hole, letters=(3,))[1] == {"missing_in_lake": 1}
    cut = with_frames(with_frames(lake(raw, 1), 0, 0, 4), 0, 4, FRAMES - 4)
    assert judged(raw, rest(0, 1), cut, letters=(3,))[1] == {}
    twice = with_frames(whole, 1, 15, 1)
    assert judged(raw, rest(0, 1), twice, letters=(3,))[1] == {"doubled_in_lake": 1}
    stray = with_frames(whole, 1, 99, 1)
    assert judged(raw, rest(0, 1), stray, letters=(3,))[1] == {"foreign_frames_in_lake": 1}


def test_doubled_in_clickhouse() -> None:
    raw = log(0, 1)
    assert judged(raw, rest(0, 1, 1), lake(raw, 0, 1), letters=(3,))[1] == {
        "doubled_in_clickhouse": 1
    }


def test_every_processing_is_in_both_stores() -> None:
    raw = log(0, 1)
    two = AtRest(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    assert judged(raw, two, lake(raw, 0, 1), letters=(3,))[1] == {"missing_in_lake": 2}


def test_refused_and_canonical_at_once() -> None:
    raw = log(0, 1)
    assert judged(raw, rest(0, 1), lake(raw, 0, 1), letters=(1, 3))[1] == {
        "refused_and_canonical": 1
    }


def test_a_refused_chunk_that_came_again_mended() -> None:
    raw = log(0, 1, 1)
    found, problems = judged(raw, rest(0, 2), lake(raw, 0, 2), letters=(1, 4))
    assert problems == {}
    assert outcomes(found)[1:3] == [Outcome.DEAD_LETTER, Outcome.CANONICAL]


def test_a_redriven_chunk_counts_once() -> None:
    raw = log(0, 1, 1, again={2: 1})
    found, problems = judged(raw, rest(0, 2), lake(raw, 0, 2), letters=(4,), settled=(1,))
    assert problems == {}
    assert outcomes(found)[1:3] == [Outcome.DUPLICATE, Outcome.CANONICAL]
    vendor = by_vendor(raw, found, {})["fourier"]
    assert (vendor.read, vendor.canonical, vendor.duplicates) == (3 * FRAMES, 20, 10)
    assert vendor.rejected == {}


def test_a_redriven_chunk_that_was_refused_again_counts_once() -> None:
    raw = log(0, 1, 1, again={2: 1})
    found, problems = judged(raw, rest(0), lake(raw, 0), letters=(1, 4), again=(2,))
    assert problems == {}
    assert outcomes(found)[1:3] == [Outcome.DEAD_LETTER, Outcome.DUPLICATE]


def test_a_redriven_chunk_that_is_nowhere_is_missing() -> None:
    raw = log(0, 1, 1, again={2: 1})
    found, problems = judged(raw, rest(0), lake(raw, 0), letters=(1, 4))
    assert problems == {"nowhere": 1}
    assert outcomes(found)[1:3] == [Outcome.DEAD_LETTER, Outcome.MISSING]
    found, problems = judged(raw, rest(0), lake(raw, 0), letters=(4,), settled=(1,))
    assert problems == {"nowhere": 2}


def test_a_redriven_chunk_on_its_way_takes_its_origin_along() -> None:
    raw = log(0, 1, 1, again={2: 1})
    way = flight(raw, to_clickhouse=(2,), to_lake=(2,))
    found, problems = judged(raw, rest(0), lake(raw, 0), (4,), way, settled=(1,))
    assert problems == {}
    assert outcomes(found)[1:3] == [Outcome.IN_FLIGHT, Outcome.IN_FLIGHT]


def test_a_redrive_counted_twice_is_seen() -> None:
    raw = log(0, 1, 1, again={2: 1})
    _, problems = judged(raw, rest(0, 2), lake(raw, 0, 2), letters=(1, 4))
    assert problems == {"redriven_and_refused": 1}
    _, problems = judged(raw, rest(0), lake(raw, 0), letters=(1, 2, 4), astray=(2,))
    assert problems == {"refused_twice": 1}


def test_who_names_a_foreign_origin_stands_by_itself() -> None:
    raw = log(0, 1, 2, again={2: 1})
    found, problems = judged(raw, rest(0, 2), lake(raw, 0, 2), letters=(1, 4), settled=(2,))
    assert problems == {}
    assert outcomes(found)[1:3] == [Outcome.DEAD_LETTER, Outcome.CANONICAL]


def test_what_is_on_its_way_is_not_missing() -> None:
    raw = log(0, 1, 2)
    way = flight(raw, to_lake=(1,), unread=(2, 4))
    found, problems = judged(raw, rest(0, 1), lake(raw, 0), on_its_way=way)
    assert problems == {}
    assert outcomes(found) == [
        Outcome.CANONICAL,
        Outcome.IN_FLIGHT,
        Outcome.IN_FLIGHT,
        Outcome.TICK,
        Outcome.IN_FLIGHT,
        Outcome.MARK,
    ]


@pytest.mark.parametrize("ahead", ["clickhouse", "lake"])
def test_what_the_workers_have_not_committed_may_be_in_the_store_that_is_read_last(
    ahead: str,
) -> None:
    raw = log(0, 1)
    stored = {"clickhouse": rest(0), "in_lake": lake(raw, 0)}
    stored |= {"clickhouse": rest(0, 1)} if ahead == "clickhouse" else {"in_lake": lake(raw, 0, 1)}
    found, problems = judged(raw, **stored, letters=(3,), on_its_way=flight(raw, unread=(1,)))
    assert problems == {}
    assert outcomes(found)[1] == Outcome.IN_FLIGHT


def sessions_of(*logs: RawLog, begins_ms: int = 0) -> SessionAudit:
    ledger = SessionLedger()
    for one in logs:
        ledger.add(one, begins_ms)
        ledger = read_ledger(orjson.loads(orjson.dumps(ledger.document())))
    return ledger.audit()[0]


def test_sequences_of_a_session() -> None:
    assert sessions_of(log(0, 1, 1, 2)).missing == 0
    assert sessions_of(log(1, 4)).missing == 3
    assert sessions_of(log(1, 4), begins_ms=1 << 60).missing == 2
    builder = RawBuilder({PLACE: (0, 1)})
    builder.add(PLACE, 0, headers(0), b"x")
    assert sessions_of(builder.build()) == SessionAudit(1, 0, 1, 0)


def test_sequences_are_carried_from_audit_to_audit() -> None:
    # Behind these sequences stands each time the end mark with the next one.
    assert sessions_of(log(0, 1), log(4, 5)).missing == 1
    assert sessions_of(log(0, 1), log(4, 5), log(2, 3)).missing == 0
    assert sessions_of(log(0, 1), log(1, 2), log(1, 2)).missing == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3))))
def test_runs_say_of_every_frame_what_its_row_says(steps: list[tuple[int, int]]) -> None:
    moves = np.array(steps, np.int64).reshape(-1, 2)
    frame, offset = np.cumsum(moves[:, 0]), np.cumsum(moves[:, 1] == 3)
    told = [(o, f + i) for o, f, n in runs_of(frame, offset).tolist() for i in range(n)]
    assert told == list(zip(offset.tolist(), frame.tolist(), strict=True))


def test_an_empty_log() -> None:
    raw = RawBuilder({PLACE: (0, 0)}).build()
    found, problems = judged(raw, rest(), lake(raw))
    assert (problems, len(found.outcome)) == ({}, 0)


def test_a_repaired_episode_is_no_problem_any_more() -> None:
    def manifest(processing: str, frames: int) -> dict[str, object]:
        return {
            "episode": "e1",
            "processing_id": processing,
            "robot": "fourier/r1",
            "frames": frames,
            "boundary": {"frames": 50},
            "segments": [],
        }

    def checked(*manifests: dict[str, object]) -> dict[str, int]:
        folders = {f"episodes/{m['processing_id']}/fourier/r1/s/e1": m for m in manifests}
        stored = {("fourier/r1", "e1", str(m["processing_id"])): m["frames"] for m in manifests}
        files = {
            folder: [
                SegmentFile(f"{folder}/late.parquet", 1, "old", PLACE, 1, np.array([[0, 0, 1]])),
            ]
            for folder in folders
            if "/old/" in folder
        }
        found = check_episodes(folders, {}, files, stored, [], set())
        return {one.kind: one.count for one in found.problems() if one.kind != "manifest_miscounts"}

    late, whole = manifest("old", 45), {**manifest("new", 50), "segments": []}
    assert checked(late) == {"incomplete_episode": 1, "late_segment": 1}
    # Whole only where its own segments say so: here they hold nothing.
    assert checked(late, whole) == {"incomplete_episode": 1, "late_segment": 1}
    assert checked(late, {**manifest("new", 0), "boundary": {"frames": 0}}) == {}
