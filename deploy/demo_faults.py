"""Robots with one defect each, at their own pace; what the checks say is told as it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import merge
from typing import Any

from deploy.demo import Published, Say
from deploy.stack import Stack
from producers.faults.inject import inject
from producers.faults.simulated import simulated_take
from producers.recordings.recording import RecordedChunk, frames_per_chunk
from producers.sdk.link import Link
from producers.sdk.session import Session
from schemas.defects import DEFECTS, Defect
from schemas.events import EventKind, decode_event, decode_report
from schemas.topics import EPISODES, QUALITY_REPORTS
from schemas.vendors import Vendor
from sinks.topic_reader import Start, read
from streams.signals import signals_of

SEND_S = 60.0
TOLD_WITHIN_S = 20.0
OF_THE_WAY = frozenset({"lost_chunks"})
"""Defects between robot and log: no robot can send them."""

TASK = "reach for the cup and come back"


@dataclass
class Patient:
    """A robot with a defect, and what was said of it.

    Attributes:
        robot: `<vendor>/<defect>`.
        defect: which.
        check: that proves it.
        struck: names of the joints or hands it strikes; empty = the whole robot.
        found: by check, on what it was found, in the order it was told.
        named: whether the check that proves the defect named it where it is.
        verdict: of its episode; None before it came.
        reasons: of the verdict.
    """

    robot: str
    defect: Defect
    check: str
    struck: tuple[str, ...]
    found: dict[str, list[str | None]] = field(default_factory=dict)
    named: bool = False
    verdict: str | None = None
    reasons: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "robot": self.robot,
            "defect": self.defect.id,
            "check": self.check,
            "struck": list(self.struck),
            "named": self.named,
            "found": self.found,
            "verdict": self.verdict,
            "reasons": self.reasons,
        }


def patients_of(
    vendors: Iterable[Vendor], only: Collection[str] = ()
) -> list[tuple[Vendor, Defect]]:
    """Each defect on one robot on which it can be proved; makers take turns.

    only: ids of defects; empty: all of them.
    """
    known = list(vendors)
    turns = dict.fromkeys((v.profile.id for v in known), 0)
    chosen = []
    for defect in DEFECTS:
        if defect.id in OF_THE_WAY or (only and defect.id not in only):
            continue
        able = [v for v in known if defect.proved_by(signals_of(v.profile, v.embodiment))]
        if able:
            vendor = min(able, key=lambda v: turns[v.profile.id])
            turns[vendor.profile.id] += 1
            chosen.append((vendor, defect))
    return chosen


def show_faults(
    seconds: float, say: Say, patients: list[Patient], only: Collection[str] = ()
) -> Callable[[Stack], dict[str, Published]]:
    """Let robots with defects work for a while, at their own rates.

    Args:
        seconds: of each take.
        say: told what is found, as it is found.
        patients: filled.
        only: ids of defects; empty: all that can be proved.
    """

    def publish(stack: Stack) -> dict[str, Published]:
        chosen = patients_of(stack.vendors.by_profile.values(), only)
        say(f"{len(chosen)} robots with a defect each work for {seconds:.0f} s")
        counts: dict[str, Published] = {}
        link = Link(stack.bootstrap)
        runs = []
        try:
            for vendor, defect in chosen:
                patient, chunks = _struck(vendor, defect, seconds)
                patients.append(patient)
                session = Session.open(
                    robot=patient.robot, profile=vendor.profile.id, link=link,
                    profiles=stack.settings.profiles_dir,
                )  # fmt: skip
                count = counts.setdefault(vendor.profile.vendor, Published())
                runs.append((session, chunks, count))
            with _listening(stack.bootstrap, {p.robot: p for p in patients}, say):
                _send(runs)
                _wait(patients)
        finally:
            link.close()
        return counts

    return publish


def _struck(vendor: Vendor, defect: Defect, seconds: float) -> tuple[Patient, list[RecordedChunk]]:
    proof = defect.proved_by(signals_of(vendor.profile, vendor.embodiment))
    assert proof is not None
    struck = inject(simulated_take(vendor, seconds), defect.id)
    robot = f"{vendor.profile.vendor}/{defect.id.replace('_', '-')}"
    size = frames_per_chunk(vendor.profile.rate_hz)
    chunks = [chunk for _, chunk in struck.take.chunks(size)]
    return Patient(robot, defect, proof.check, struck.channels), chunks


def _send(runs: list[tuple[Session, list[RecordedChunk], Published]]) -> None:
    """Send every chunk when a live robot would: frame after frame, whatever its stamps say."""
    due: list[Iterator[tuple[float, int, RecordedChunk]]] = []
    for number, (session, chunks, _) in enumerate(runs):
        session.episode_start(task=TASK, timeout=SEND_S)
        due.append(_paced(number, session.form.profile.rate_hz, chunks))
    started = time.monotonic()
    for at_s, number, chunk in merge(*due, key=lambda one: one[:2]):
        time.sleep(max(0.0, at_s - (time.monotonic() - started)))
        session, _, count = runs[number]
        session.send_chunk(chunk.value, chunk.frames, timeout=SEND_S)
        count.read += chunk.frames
    for session, _, count in runs:
        session.episode_end(success=True, timeout=SEND_S)
        session.end(timeout=SEND_S)
        session.close(SEND_S)
        count.published += session.progress.acknowledged_frames


def _paced(
    number: int, rate_hz: float, chunks: list[RecordedChunk]
) -> Iterator[tuple[float, int, RecordedChunk]]:
    frames = 0
    for chunk in chunks:
        frames += chunk.frames
        yield frames / rate_hz, number, chunk


def _wait(patients: list[Patient]) -> None:
    """Until every robot has its verdict, or time is up."""
    until = time.monotonic() + TOLD_WITHIN_S
    while time.monotonic() < until and any(patient.verdict is None for patient in patients):
        time.sleep(0.1)


@contextmanager
def _listening(bootstrap: str, patients: dict[str, Patient], say: Say) -> Iterator[None]:
    """Tell what comes of these robots on `quality.reports` and `episodes` meanwhile."""
    stop = threading.Event()
    heard = ((QUALITY_REPORTS, hear_report), (EPISODES, hear_event))

    def listen(topic: str, hear: Callable[[bytes, dict[str, Patient], Say], None]) -> None:
        for record in read(bootstrap, {topic: Start.now()}, stop):
            if record.value is not None:
                hear(record.value, patients, say)

    threads = [threading.Thread(target=listen, args=one, daemon=True) for one in heard]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def hear_report(value: bytes, patients: dict[str, Patient], say: Say) -> None:
    """Take what one report tells of a robot; each finding is said once, on each joint."""
    report = decode_report(value)
    patient = patients.get(report.robot)
    if patient is None:
        return
    for finding in report.findings:
        known = patient.found.setdefault(finding.check, [])
        if finding.channel in known:
            continue
        known.append(finding.channel)
        here = not patient.struck or finding.channel in patient.struck
        named = finding.check == patient.check and here
        patient.named |= named
        if finding.severity != "info" or named:
            where = f" on {finding.channel}" if finding.channel else ""
            mark = "  <- the defect" if named else ""
            say(f"{report.robot}: {finding.severity} {finding.check}{where}{mark}")


def hear_event(value: bytes, patients: dict[str, Patient], say: Say) -> None:
    """Take a robot's verdict."""
    event = decode_event(value)
    patient = patients.get(event.robot)
    if patient is None or event.kind is not EventKind.VERDICT:
        return
    patient.verdict, patient.reasons = event.verdict, list(event.reasons or ())
    why = f": {patient.reasons[0]}" if patient.reasons else ""
    say(f"{event.robot}: {event.verdict}{why}")
