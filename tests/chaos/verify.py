"""What must be true after a run, besides what the audit finds: journals, reasons, equal bytes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Message

from deploy.audit.kafka import AuditReader
from deploy.programs import environment
from schemas.envelope import Envelope, parse_envelope
from schemas.events import EventKind, decode_dead_letter, decode_event
from schemas.headers import headers_of
from schemas.settings import Settings
from schemas.topics import (
    CANONICAL_FRAMES,
    DEAD_LETTER_PREFIX,
    EPISODES,
    QUALITY_REPORTS,
    RAW_PREFIX,
)
from sinks.objects import open_store
from streams.publisher import EXIT_CRASHED
from streams.records import Output
from streams.watchdog import STANDSTILL
from tests.chaos.mischief import EXPECTED
from tests.chaos.robots import JOURNAL
from tests.chaos.system import System
from tests.chaos.uninterrupted import Uninterrupted, hashes

OUTPUTS = (CANONICAL_FRAMES, QUALITY_REPORTS, EPISODES, DEAD_LETTER_PREFIX)
_BY_SINKS = (EventKind.STORED, EventKind.SEALED)

Origin = tuple[str, int, int]
Written = defaultdict[tuple[str, int, bytes], dict[bytes, None]]
"""Digests of distinct values in order, by topic, partition and key."""


@dataclass
class Verdict:
    """What was found: figures, and what must not be (empty when all is well)."""

    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def expect(self, condition: bool, problem: str) -> None:
        """Note a problem unless something holds."""
        if not condition:
            self.problems.append(problem)


def verify(system: System) -> Verdict:
    """Everything, on a system that has settled."""
    verdict = Verdict()
    _audit(system.direct, verdict)
    reader = AuditReader(system.direct.require_kafka())
    try:
        seen = Seen()
        expected, objects = _uninterrupted(reader, system.direct, seen)
        _journals(system.robots / JOURNAL, seen, verdict)
        _letters(reader, seen, verdict)
        _outputs(reader, expected, verdict)
    finally:
        reader.close()
    _objects(system.direct, objects, verdict)
    _ends(system, verdict)
    return verdict


class Seen:
    """What the raw log holds: sequences by session, and the reasons its rubbish asks for."""

    def __init__(self) -> None:
        self.sequences: defaultdict[str, set[int]] = defaultdict(set)
        self.frames = 0
        self.records = 0
        self.expected: dict[Origin, str] = {}

    def pass_on(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Note each message and give it on."""
        for message in messages:
            self.records += 1
            headers = dict(headers_of(message) or ())
            if EXPECTED in headers:
                origin = (message.topic(), message.partition(), message.offset())
                self.expected[origin] = headers[EXPECTED].decode()
            elif isinstance(envelope := parse_envelope(headers_of(message)), Envelope):
                known = self.sequences[envelope.session]
                if envelope.sequence not in known:
                    self.frames += envelope.frames
                    known.add(envelope.sequence)
            yield message


def _audit(settings: Settings, verdict: Verdict) -> None:
    """`kinebus audit --deep`, as its own process."""
    command = [sys.executable, "-m", "deploy.cli", "audit", "--deep", "--json"]
    env = {**os.environ, **environment(settings)}
    run = subprocess.run(command, env=env, capture_output=True, timeout=1_800, check=False)
    try:
        report = json.loads(run.stdout)
    except ValueError:
        verdict.problems.append(f"audit: exit {run.returncode}: {run.stderr.decode()[-2000:]}")
        return
    for problem in report["problems"]:
        verdict.problems.append(f"audit: {problem}")
    vendors = report["vendors"].values()
    for name in ("read", "canonical", "clickhouse", "object_storage", "duplicates", "in_flight"):
        verdict.figures[name] = sum(vendor[name] for vendor in vendors)
    verdict.figures["records"] = report["records"]
    verdict.figures["sessions"] = report["sessions"]
    verdict.figures["episodes"] = sum(vendor["episodes"] for vendor in vendors)
    verdict.expect(run.returncode == 0, f"audit: exit {run.returncode}")
    verdict.expect(verdict.figures["in_flight"] == 0, "audit: frames are still in flight")
    verdict.expect(verdict.figures["canonical"] > 0, "audit: no frame is canonical")


def _uninterrupted(
    reader: AuditReader, settings: Settings, seen: Seen
) -> tuple[Written, dict[str, str]]:
    """What an undisturbed run would have written, and what it would have put into the lake."""
    undisturbed = Uninterrupted(settings)
    expected: Written = defaultdict(dict)
    objects: dict[str, str] = {}

    def noted(outputs: Iterable[Output]) -> Iterator[Output]:
        for output in outputs:
            key = (output.topic, output.partition, output.key)
            expected[key][_digest(output.value)] = None
            yield output

    for place, span in reader.watermarks(reader.places(RAW_PREFIX)).items():
        raw = seen.pass_on(reader.read({place: span}))
        objects |= undisturbed.objects(noted(undisturbed.outputs(raw, *place)))
    return expected, objects


def _journals(folder: Path, seen: Seen, verdict: Verdict) -> None:
    """Whatever the SDK has taken is in the raw log."""
    taken: dict[str, int] = {}
    frames = 0
    for journal in sorted(folder.iterdir()):
        last: dict[str, tuple[int, int]] = {}
        for line in journal.read_text().splitlines():
            session, sequence, frame = line.split()
            last[session] = (int(sequence), int(frame))
        for session, (sequence, frame) in last.items():
            taken[session] = sequence
            frames += frame
    missing = {
        session: sequence - len([n for n in seen.sequences[session] if n < sequence])
        for session, sequence in taken.items()
    }
    lost = {session: count for session, count in missing.items() if count}
    verdict.figures["sessions_journaled"] = len(taken)
    verdict.figures["frames_acknowledged"] = frames
    verdict.figures["frames_in_the_log"] = seen.frames
    verdict.expect(not lost, f"records the SDK had taken are not in the raw log: {lost}")
    verdict.expect(frames <= seen.frames, f"{frames} frames taken, {seen.frames} in the log")


def _letters(reader: AuditReader, seen: Seen, verdict: Verdict) -> None:
    """Every refusal has its reason, and nothing else is refused."""
    found: dict[Origin, str] = {}
    for message in reader.read(reader.watermarks(reader.places(DEAD_LETTER_PREFIX))):
        letter = decode_dead_letter(message.value())
        origin = (letter.source_topic, letter.source_partition, letter.source_offset)
        found[origin] = letter.reason
    verdict.figures["refused"] = dict(sorted(Counter(found.values()).items()))
    wrong = {o: (seen.expected.get(o), reason) for o, reason in found.items()}
    wrong = {origin: pair for origin, pair in wrong.items() if pair[0] != pair[1]}
    absent = {o: r for o, r in seen.expected.items() if o not in found}
    verdict.expect(not wrong, f"refused for another reason (wanted, got): {_some(wrong)}")
    verdict.expect(not absent, f"not refused: {_some(absent)}")


def _outputs(reader: AuditReader, expected: Written, verdict: Verdict) -> None:
    """What was written, without duplicates, is what an undisturbed run writes."""
    written: Written = defaultdict(dict)
    records = 0
    for topic in OUTPUTS:
        for message in reader.read(reader.watermarks(reader.places(topic))):
            value = message.value()
            if topic == EPISODES and decode_event(value).kind in _BY_SINKS:
                continue
            records += 1
            written[message.topic(), message.partition(), message.key()][_digest(value)] = None
    distinct = sum(len(values) for values in written.values())
    verdict.figures["outputs_written"] = records
    verdict.figures["outputs_distinct"] = distinct
    different = [key for key in {*written, *expected} if [*written[key]] != [*expected[key]]]
    verdict.expect(
        not different,
        f"{len(different)} keys hold other outputs than those of an undisturbed run: "
        f"{[(key, len(written[key]), len(expected[key])) for key in different[:5]]}",
    )


def _objects(settings: Settings, expected: Mapping[str, str], verdict: Verdict) -> None:
    """The lake's objects are those of an undisturbed run, byte for byte."""
    there = hashes(open_store(settings.require_lake()))
    verdict.figures["objects"] = len(there)
    different = sorted(k for k in {*there, *expected} if there.get(k) != expected.get(k))
    kinds = Counter(
        "absent" if key not in there else "extra" if key not in expected else "other bytes"
        for key in different
    )
    verdict.expect(
        not different, f"objects differ from an undisturbed run's: {dict(kinds)} {different[:5]}"
    )


def _ends(system: System, verdict: Verdict) -> None:
    """Every process that ended was killed by us, or was a worker whose watchdog says why."""
    ends = Counter(system.ends)
    for (name, how), count in ends.items():
        if how == "killed by SIGKILL" and count <= system.kills[name]:
            continue
        log = system.folder / "logs" / f"{name}.log"
        if how == f"exit {EXIT_CRASHED}" and count <= log.read_text().count(STANDSTILL):
            continue
        verdict.problems.append(f"{name} ended {count} times ({how}); see {log}")
    verdict.figures["ends"] = {f"{name}: {how}": n for (name, how), n in sorted(ends.items())}


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=16).digest()


def _some(found: Mapping[Any, Any]) -> str:
    return f"{len(found)}, such as {dict(list(found.items())[:5])}"
