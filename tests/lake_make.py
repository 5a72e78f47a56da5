"""A lake of sealed episodes without a broker: real steps, real segmenter, real store.

Raw records go through `process_fold`, what comes out through the lake sink, and the facts that
would travel on `episodes` become the catalogue's rows.
"""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from obstore.store import ObjectStore
from ulid import ULID

from producers.fleet.motion import build_motion
from producers.fleet.vendor_form import chunk_value, vendor_loop
from producers.recordings.read import open_recording
from producers.recordings.recording import Recording
from producers.sdk.form import Form
from schemas.events import EpisodeEvent, EventKind
from schemas.marks import MarkKind
from sinks.announce import Announcer
from sinks.catalogue import Episode
from sinks.lake.sink import LakeSink
from sinks.patience import Patience
from sinks.record import Place, Record
from tests import make

FIRST_NS = 1_700_000_000_000_000_000


class KeptAnnouncer(Announcer):
    """Keeps what it is told to announce."""

    def __init__(self) -> None:
        self.events: list[EpisodeEvent] = []

    def send(self, events: Sequence[tuple[int, EpisodeEvent]]) -> None:
        self.events += [event for _, event in events]


@dataclass
class RawLog:
    """Records of one robot of a vendor, in sequence."""

    vendor: str
    robot: str
    session: str = make.SESSION
    records: list[Any] = field(default_factory=list)
    frames: int = 0

    def mark(self, kind: MarkKind, **told: Any) -> None:
        """A mark, next in sequence."""
        self.records.append(make.mark(self.vendor, kind, fields=told, **self._place()))

    def chunk(self, value: Any, frames: int) -> None:
        """A chunk, next in sequence."""
        place = self._place() | {"first_frame": self.frames}
        self.records.append(make.chunk(self.vendor, value, frames, **place))
        self.frames += frames

    def _place(self) -> dict[str, Any]:
        number = len(self.records)
        return {
            "offset": number, "sequence": number, "log_ms": make.LOG_MS + number,
            "robot": self.robot, "session": self.session,
        }  # fmt: skip


def session_of(name: str) -> str:
    """A session's ULID that follows from a name."""
    return str(ULID.from_bytes(hashlib.sha256(name.encode()).digest()[:16]))


def simulated(
    vendor: str,
    seed: int,
    frames: int = 300,
    episodes: int = 1,
    task: str = "fold the towel",
    between: int = 0,
) -> RawLog:
    """A robot of the fleet: some episodes of as many frames each, and frames behind each."""
    own = make.vendor(vendor)
    chunk = max(round(own.profile.rate_hz / 10), 1)
    motion = build_motion(own, seed, own.profile.rate_hz, chunk)
    loop = vendor_loop(own, motion, seed)
    log = RawLog(vendor, f"{vendor}/unit-{seed}", session=session_of(f"{vendor}/{seed}"))

    def move(count: int) -> None:
        until = log.frames + count
        while log.frames < until:
            at, own = log.frames, min(chunk, until - log.frames)
            start = at % (motion.frames - chunk)
            log.chunk(chunk_value(loop, start, start + own, at, FIRST_NS), own)

    log.mark(MarkKind.SESSION_START)
    for _ in range(episodes):
        log.mark(MarkKind.EPISODE_START, task=task, operator="op-1", station="s-1")
        move(frames)
        log.mark(MarkKind.EPISODE_END, success=True)
        move(between)
    log.mark(MarkKind.SESSION_END, last_sequence=len(log.records))
    return log


def replayed(recording: Recording) -> RawLog:
    """A recording as its robot would have sent it: one episode."""
    log = RawLog(recording.vendor, recording.robot, session=session_of(recording.robot))
    log.mark(MarkKind.SESSION_START)
    vendor = make.vendor(recording.vendor)
    take = open_recording(recording, Form(vendor.profile, vendor.schema))
    log.mark(MarkKind.EPISODE_START, task=take.task)
    for chunk in take.chunks:
        log.chunk(chunk.value, chunk.frames)
    log.mark(MarkKind.EPISODE_END)
    log.mark(MarkKind.SESSION_END, last_sequence=len(log.records))
    return log


def seal(store: ObjectStore, logs: Sequence[RawLog]) -> list[Episode]:
    """Put everything at rest; the catalogue's rows of what was sealed."""
    return list(_rows(seal_facts(store, logs)))


def seal_facts(store: ObjectStore, logs: Sequence[RawLog]) -> list[EpisodeEvent]:
    """Put everything at rest; the facts that trackers, checks and the lake told of it."""
    facts: list[EpisodeEvent] = []
    announcer = KeptAnnouncer()
    patience = Patience("lake", lambda seconds: None)
    for log in logs:
        _, outputs = make.run(log.records)
        assert not make.dead_letters(outputs)
        facts += make.events(outputs)
        frames = [out for out in outputs if out.topic == "canonical.frames"]
        # A partition of its own: the lake keeps every record by its offset there.
        place = Place("canonical.frames", zlib.crc32(log.session.encode()) % 10_000)
        with tempfile.TemporaryDirectory(prefix="kinebus-spill-") as folder:
            sink = LakeSink(store, _channels, announcer, patience, Path(folder))
            for offset, out in enumerate(frames):
                sink.take(Record(place, offset, 1, make.LOG_MS + offset, out.key, None, out.value))
            sink.settle(final=True)
    return [*facts, *announcer.events]


def _channels(profile: str) -> tuple[str, ...]:
    return make.vendors().by_profile[profile].profile.channel_names


_OF_KIND = {
    EventKind.OPENED: ("profile", "embodiment", "task", "skill", "scene", "operator", "station",
                       "mode"),
    EventKind.CLOSED: ("success", "aborted", "cause", "frames", "missing", "t_first_ns",
                       "t_last_ns"),
    EventKind.VERDICT: ("verdict", "score", "reasons"),
    EventKind.SEALED: ("manifest", "manifest_sha256"),
}  # fmt: skip


def _rows(facts: Sequence[EpisodeEvent]) -> Iterator[Episode]:
    for name in dict.fromkeys(fact.episode for fact in facts):
        own = {fact.kind: fact for fact in facts if fact.episode == name}
        told = {
            column: getattr(own[kind], column) for kind, of in _OF_KIND.items() for column in of
        }
        sealed = own[EventKind.SEALED]
        row = {part.name: None for part in fields(Episode)} | told
        yield Episode(**row | {
            "episode": name, "processing_id": sealed.processing_id, "robot": sealed.robot,
            "session": sealed.session, "stored_frames": told["frames"],
            "sealed_frames": sealed.frames, "is_closed": True, "is_stored": True,
            "is_sealed": True, "state": "complete",
        })  # fmt: skip
