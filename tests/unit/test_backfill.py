"""Backfills over an archive in memory: the same bytes, or an id of their own, or in order again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from obstore.store import MemoryStore, ObjectStore

from deploy.backfill.run import Backfill, Outcome, SessionDone
from deploy.backfill.select import Selection, sessions_in
from deploy.backfill.source import RawSource
from schemas.canonical import CanonicalChunk
from schemas.marks import MarkKind
from schemas.redrive import REDRIVE
from sinks.archive.read import Head, range_key
from sinks.archive.table import encode_range
from sinks.lake.segmenter import Seal, Segmenter
from sinks.lake.store import put_manifest, put_segment, segments_in
from sinks.objects import put_once
from sinks.record import Place, Record
from streams.records import Output, PlainRecord
from tests import make

WHERE = Place("raw.fourier", 0)
CANONICAL = Place("canonical.frames", 0)
ROBOTS = ("fourier/unit-1", "fourier/unit-2")
T = 5
CHUNKS = 12
ALL = Selection()


def session(robot: str, session: str, start: int) -> list[PlainRecord]:
    """An episode of twelve chunks in a session with an end; offsets are set later."""
    out = [make.mark("fourier", MarkKind.EPISODE_START, robot=robot, session=session, sequence=0)]
    for i in range(CHUNKS):
        frame = i * T
        position = np.sin(np.arange(frame, frame + T)[:, None] * 0.1 + np.arange(44) + start)
        value = make.gr1_value(position, np.arange(frame, frame + T) / 20.0)
        out.append(
            make.chunk(
                "fourier", value, T, robot=robot, session=session, sequence=i + 1, first_frame=frame
            )
        )
    names = {"robot": robot, "session": session, "first_frame": CHUNKS * T}
    out.append(make.mark("fourier", MarkKind.EPISODE_END, sequence=CHUNKS + 1, **names))
    last = {"last_sequence": CHUNKS + 2}
    out.append(
        make.mark("fourier", MarkKind.SESSION_END, sequence=CHUNKS + 2, fields=last, **names)
    )
    return out


def placed(records: Sequence[PlainRecord]) -> list[PlainRecord]:
    """Records in this order on the log, a tick behind each, and much silence at the end."""
    log: list[PlainRecord] = []
    for record in records:
        now = make.LOG_MS + 250 * len(log)
        log.append(replace(record, offset=len(log), timestamp=now))
        log.append(make.tick("fourier", len(log), now + 100))
    for i in range(70):
        log.append(make.tick("fourier", len(log), log[-1].timestamp + 1_000 + i % 2))
    return log


def archived(log: Sequence[PlainRecord]) -> ObjectStore:
    store = MemoryStore()
    size = max(len(log) // 3, 1)
    for first in range(0, len(log), size):
        records = [
            Record(WHERE, r.offset, 2, r.timestamp, r.key, list(r.headers), r.value)
            for r in log[first : first + size]
        ]
        put_once(store, range_key(WHERE, records[0].offset), encode_range(records))
    return store


def sealed(store: ObjectStore, outputs: Sequence[Output]) -> None:
    """Put what the workers made into the lake, as its sink does."""
    names = lambda profile: make.vendors().by_profile[profile].profile.channel_names  # noqa: E731
    segmenter = Segmenter(lambda region: segments_in(store, region), lambda segment: None)
    for offset, fact in enumerate(make.canonical(outputs)):
        for action in segmenter.take(CANONICAL, offset, 0, fact, 100):
            if isinstance(action, Seal):
                put = put_segment(store, action.segment, names)
                segmenter.at_rest(action.segment.region, put)
            else:
                put_manifest(store, action.region, action.boundary, segmenter.segments(action))


class Kept:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    def send(self, output: Output) -> None:
        self.outputs.append(output)

    def flush(self) -> None:
        pass


def backfilled(
    store: ObjectStore, selection: Selection = ALL, repair: bool = False
) -> tuple[list[SessionDone], list[Output]]:
    work = Backfill(RawSource(store, None), store, make.processors(), 1, repair)
    kept = Kept()
    done = work.run(work.find([WHERE], selection), kept, lambda *_: None)
    return done, kept.outputs


def interleaved() -> list[PlainRecord]:
    sessions = [session(r, make.SESSION, i) for i, r in enumerate(ROBOTS)]
    later = session(ROBOTS[0], make.LATER_SESSION, 2)
    return placed([*(r for pair in zip(*sessions, strict=True) for r in pair), *later])


def as_bytes(outputs: Sequence[Output]) -> list[tuple[str, bytes, bytes]]:
    return sorted((o.topic, o.key, o.value) for o in outputs)


def test_nothing_at_rest_everything_is_made_as_the_workers_made_it() -> None:
    log = interleaved()
    done, outputs = backfilled(archived(log))
    assert [one.outcome for one in done] == [Outcome.PUBLISHED] * 3
    assert as_bytes(outputs) == as_bytes(make.run(log)[1])


@pytest.mark.parametrize(
    ("selection", "sessions"),
    [
        (Selection(vendor="fourier"), 3),
        (Selection(vendor="pollen"), 0),
        (Selection(robot=ROBOTS[1]), 1),
        (Selection(episode=f"{make.LATER_SESSION}-0000000000"), 1),
        (Selection(until_ms=make.LOG_MS + 100), 1),
        (Selection(since_ms=make.LOG_MS + 250 * 2 * 31), 1),
        (Selection(since_ms=make.LOG_MS, until_ms=make.LOG_MS + 1_000), 2),
    ],
)
def test_whole_sessions_are_selected(selection: Selection, sessions: int) -> None:
    log = interleaved()
    done, outputs = backfilled(archived(log), selection)
    assert len(done) == sessions
    assert all(one.frames == CHUNKS * T for one in done)
    everything = set(as_bytes(make.run(log)[1]))
    assert set(as_bytes(outputs)) <= everything
    named = {(one.robot, one.session) for one in done}
    assert {(c.robot, c.session) for c in make.canonical(outputs)} == named


def test_what_is_the_same_is_not_written_again() -> None:
    log = interleaved()
    store = archived(log)
    sealed(store, make.run(log)[1])
    done, outputs = backfilled(store)
    assert [one.outcome for one in done] == [Outcome.UNCHANGED] * 3
    assert outputs == []


def test_what_is_missing_is_written_again_and_what_differs_is_told() -> None:
    log = interleaved()
    outputs = make.run(log)[1]
    mine = [o for o in outputs if o.topic == "canonical.frames" and o.key == ROBOTS[1].encode()]
    short, other = archived(log), archived(log)
    sealed(short, mine[:8])
    done, again = backfilled(short, Selection(robot=ROBOTS[1]))
    assert [one.outcome for one in done] == [Outcome.PUBLISHED]
    assert len(make.chunks(again)) == CHUNKS

    changed = log[:]
    at = next(i for i, r in enumerate(log) if r.key == ROBOTS[1].encode() and i > 20)
    donor = next(r for r in log[at + 3 :] if r.key == ROBOTS[0].encode())
    changed[at] = replace(log[at], value=donor.value)
    sealed(other, make.run(changed)[1])
    done, again = backfilled(other, Selection(robot=ROBOTS[1]))
    sequence = int(dict(log[at].headers)["sequence"])
    # The chunk itself, and what its last frame did to the checks of the next one.
    assert [(one.outcome, one.different[0]) for one in done] == [(Outcome.DIFFERENT, sequence)]
    assert again == []


def test_a_session_that_goes_on_is_not_taken() -> None:
    log = placed(session(ROBOTS[0], make.SESSION, 0)[:-2])[: 2 * CHUNKS]
    done, outputs = backfilled(archived(log))
    assert [one.outcome for one in done] == [Outcome.RUNNING]
    assert outputs == []


def content(chunks: Sequence[CanonicalChunk]) -> list[tuple]:
    """What a chunk is, without where its record stood and which processing made it."""
    return sorted(
        (c.sequence, c.episode, c.position.tobytes(), c.angle.tobytes(), c.angle_velocity.tobytes(),
         c.flags.tobytes())
        for c in chunks
    )  # fmt: skip


def test_a_repair_puts_late_records_into_their_places() -> None:
    orderly = session(ROBOTS[0], make.SESSION, 0)
    whole = make.run(placed(orderly))[1]
    # Two chunks behind the end of their episode, one of them twice; a third a little late.
    order = [0, 1, 2, 5, 6, 4, 7, 8, 9, 10, 11, 12, 13, 3, 14, 3]
    log = placed([orderly[i] for i in order])
    store = archived(log)
    live = make.run(log)[1]
    sealed(store, live)
    assert content(make.chunks(live)) != content(make.chunks(whole))

    done, outputs = backfilled(store, repair=True)
    assert [one.outcome for one in done] == [Outcome.PUBLISHED]
    assert content(make.chunks(outputs)) == content(make.chunks(whole))
    closed = [e for e in make.events(outputs) if e.kind == "closed"]
    assert [(e.frames, e.missing) for e in closed] == [(CHUNKS * T, 0)]
    ids = {c.processing_id for c in make.canonical(outputs)}
    assert ids == {done[0].processing_id}
    assert ids.isdisjoint(c.processing_id for c in make.canonical(live))
    # Once more: the same id and the same bytes, so nothing is written.
    sealed(store, outputs)
    again, nothing = backfilled(store, repair=True)
    assert [(one.outcome, one.processing_id) for one in again] == [
        (Outcome.UNCHANGED, done[0].processing_id)
    ]
    assert nothing == []


def test_a_repair_takes_a_redriven_record_for_the_refused_one() -> None:
    orderly = session(ROBOTS[0], make.SESSION, 0)
    whole = make.run(placed(orderly))[1]
    bad = replace(orderly[4], value=b"\0\0")
    again = replace(orderly[4], headers=[*orderly[4].headers, (REDRIVE, b"raw.fourier/0/8/2")])
    log = placed([*orderly[:4], bad, *orderly[5:], again])
    done, outputs = backfilled(archived(log), repair=True)
    assert [(one.outcome, one.refused) for one in done] == [(Outcome.PUBLISHED, 0)]
    assert content(make.chunks(outputs)) == content(make.chunks(whole))


def test_there_is_nothing_to_repair_in_a_session_that_came_in_order() -> None:
    done, outputs = backfilled(archived(interleaved()), repair=True)
    assert [one.outcome for one in done] == [Outcome.WHOLE] * 3
    assert outputs == []


def test_a_session_cut_by_silence_is_one_again() -> None:
    orderly = session(ROBOTS[0], make.SESSION, 0)
    silence = [make.tick("fourier", 0, 0)] * 160
    order = [*orderly[:6], orderly[7], *silence, orderly[6], *orderly[8:]]
    log = placed(order)
    live = make.run(log)[1]
    causes = {e.cause for e in make.events(live) if e.kind == "closed"}
    assert causes == {"silence"}
    _, outputs = backfilled(archived(log), repair=True)
    closed = [e for e in make.events(outputs) if e.kind == "closed"]
    assert [(e.cause, e.frames, e.missing) for e in closed] == [("mark", CHUNKS * T, 0)]


def test_spans_tell_what_came_late() -> None:
    orderly = session(ROBOTS[0], make.SESSION, 0)
    log = placed([orderly[i] for i in (0, 2, 1, 1, 3)])
    heads = [(r.offset, r.timestamp, list(r.headers)) for r in log]

    (span,) = sessions_in(WHERE, [Head(*head) for head in heads])
    assert span.late == (4, 6)
    assert (span.first_offset, span.last_offset, span.ended) == (0, 8, True)
