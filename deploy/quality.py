"""Checks a recording without a broker: the very steps of the stream, fed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from producers.recordings.recording import RecordedChunk
from producers.sdk.form import Form
from schemas.checks import CATALOGUE, Answer
from schemas.envelope import Envelope, Kind, envelope_headers
from schemas.events import EpisodeEvent, EventKind, Finding, decode_event, decode_report
from schemas.marks import Mark, MarkKind
from schemas.topics import EPISODES, QUALITY_REPORTS, dead_letter_topic, raw_topic
from schemas.vendors import Vendor, Vendors
from streams.checkpoint import empty_partition
from streams.chunk import Processor, compile_processor
from streams.findings import merged
from streams.process import process_fold
from streams.records import PlainRecord

SESSION = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
RECORDS_AT_ONCE = 64


@dataclass(frozen=True)
class QualityResult:
    """What the checks say about one recording.

    Attributes:
        robot: as which it was checked.
        frames: of the recording.
        refused_frames: those that would have gone to the dead letters.
        findings: joined where one goes on from chunk to chunk.
        answers: by check, pass, fail or not_applicable.
        verdict: as at the end of an episode.
    """

    robot: str
    frames: int
    refused_frames: int
    findings: list[Finding]
    answers: dict[str, Answer]
    verdict: EpisodeEvent


def check_take(
    vendors: Vendors,
    vendor: Vendor,
    chunks: Iterable[tuple[int, RecordedChunk]],
    *,
    robot: str,
    task: str | None = None,
    published_ns: Iterable[int] | None = None,
) -> QualityResult:
    """Run a robot's chunks through the stream's own steps.

    Args:
        vendors: profiles and schemas.
        vendor: the robot's.
        chunks: index of the first frame and the chunk, in the order they were sent.
        robot: `<vendor>/<serial>`.
        task: what it was doing.
        published_ns: when each chunk was sent, Unix; without it, nothing is said about clocks.
    """
    processor = compile_processor(vendor, vendors.registry)
    state = empty_partition(raw_topic(vendor.profile.vendor), 0)
    findings: list[Finding] = []
    verdict: EpisodeEvent | None = None
    frames = refused = 0
    batch: list[PlainRecord] = []
    for record, held in _records(vendor, chunks, robot, task, published_ns):
        frames += held
        batch.append(record)
        if len(batch) < RECORDS_AT_ONCE and held:
            continue
        state, folded = process_fold(state, batch, {vendor.profile.id: processor})
        batch = []
        for output in folded.outputs:
            if output.topic == QUALITY_REPORTS:
                findings += decode_report(output.value).findings
            elif output.topic == EPISODES:
                event = decode_event(output.value)
                verdict = event if event.kind is EventKind.VERDICT else verdict
            elif output.topic == dead_letter_topic(vendor.profile.vendor):
                refused += 1
    assert verdict is not None
    apart = round(vendor.profile.rate_hz)
    joined = merged(findings, apart)
    answers = _answers(processor, joined, published_ns is not None)
    return QualityResult(robot, frames, refused, joined, answers, verdict)


def _answers(processor: Processor, findings: list[Finding], sent: bool) -> dict[str, Answer]:
    failed = {finding.check for finding in findings}
    signals = processor.checks.signals | ({"publish_time"} if sent else set())
    applicable = {check.id for check in CATALOGUE if check.applies(signals)}
    return {
        check.id: Answer.FAIL
        if check.id in failed
        else Answer.PASS
        if check.id in applicable
        else Answer.NOT_APPLICABLE
        for check in CATALOGUE
    }


def _records(
    vendor: Vendor,
    chunks: Iterable[tuple[int, RecordedChunk]],
    robot: str,
    task: str | None,
    published_ns: Iterable[int] | None,
) -> Iterator[tuple[PlainRecord, int]]:
    """One session with one episode: records, and how many frames each holds."""
    form = Form(vendor.profile, vendor.schema)
    topic = raw_topic(vendor.profile.vendor)
    times = iter(published_ns) if published_ns is not None else None
    number = next_frame = 0

    def record(kind: Kind, value: bytes, frames: int, first: int, sent_ns: int) -> PlainRecord:
        nonlocal number
        envelope = Envelope(kind, robot, SESSION, number, first, frames, sent_ns, vendor.profile.id)
        made = PlainRecord(
            topic, 0, number, sent_ns // 10**6, robot.encode(), value, envelope_headers(envelope)
        )
        number += 1
        return made

    def mark(kind: MarkKind, **fields: Any) -> PlainRecord:
        return record(Kind.MARK, Mark(mark=kind, **fields).to_json(), 0, next_frame, 0)

    yield mark(MarkKind.SESSION_START), 0
    yield mark(MarkKind.EPISODE_START, task=task), 0
    for first, chunk in chunks:
        sent_ns = next(times) if times is not None else 0
        next_frame = first + chunk.frames
        value = form.encode(chunk.value)
        yield record(Kind.CHUNK, value, chunk.frames, first, sent_ns), chunk.frames
    yield mark(MarkKind.EPISODE_END), 0
    yield mark(MarkKind.SESSION_END, last_sequence=number), 0
