"""Hostile input through the real path, `python -m tests.chaos.hostile --count N --seed S`.

Every input goes through envelope, fold, snapshot and the encoders of all sinks. It must come out
as canonical frames, a mark, a tick, a duplicate or a dead letter with a reason; the robot beside it
must not notice; nothing may raise, hang, or take memory without bound.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.events import decode_dead_letter
from schemas.redrive import content_of, without_redrive
from schemas.rejected import Reason
from schemas.topics import MAX_RAW_BYTES
from streams.checkpoint import PartitionState, checkpointed, empty_partition
from streams.process import process_fold
from streams.records import Output, PlainRecord
from streams.state import decode_snapshot
from tests import make
from tests.chaos.hostile_records import Hostile, Records
from tests.chaos.hostile_sinks import Sinks

NEIGHBOUR_EVERY = 10
SNAPSHOT_EVERY = 200
HANGS_AFTER_S = 30
MEMORY_BYTES = 2 << 30
LOG_STEP_MS = 20
LANDS = {"chunk", "mark", "tick", "duplicate", "dead_letter"}


class HungError(RuntimeError):
    """One input took half a minute of CPU time."""


@dataclass
class Found:
    """What became of the inputs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_ms: float = 0.0
    slowest: str = ""

    def document(self, count: int, seed: int, cpu_s: float) -> dict[str, Any]:
        """As plain data."""
        return {
            "count": count,
            "seed": seed,
            "cpu_s": round(cpu_s, 1),
            "outcomes": dict(self.outcomes.most_common()),
            "reasons": dict(self.reasons.most_common()),
            "kinds": dict(self.kinds.most_common()),
            "slowest_ms": round(self.slowest_ms, 1),
            "slowest": self.slowest,
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "failed": len(self.failures),
            "failures": self.failures[:20],
        }


class Run:
    """All partitions of one run: one a vendor, each with a robot that does nothing wrong."""

    def __init__(self, seed: int) -> None:
        self._records = Records(seed)
        self._sinks = Sinks(self._records.vendors)
        self._states: dict[str, PartitionState] = {}
        self._offsets: Counter[str] = Counter()
        self._neighbours: Counter[str] = Counter()
        self.found = Found()

    def inputs(self, numbers: Iterator[int]) -> None:
        """Work on these inputs, and note whatever is not as it must be."""
        for n, i in enumerate(numbers):
            log_ms = make.LOG_MS + n * LOG_STEP_MS
            topic = f"raw.{self._records.vendor(i).profile.vendor}"
            hostile = self._records.make(i, self._offsets[topic] + 1, log_ms)
            began = time.process_time()
            try:
                self._one(hostile, n, log_ms)
            except Exception:
                last = traceback.format_exc().strip().splitlines()
                self.found.failures.append(f"input {i} ({hostile.kind}): {' | '.join(last[-5:])}")
            took_ms = (time.process_time() - began) * 1000
            if took_ms > self.found.slowest_ms:
                self.found.slowest_ms, self.found.slowest = took_ms, f"{i} ({hostile.kind})"
        self._sinks.flush()

    def _one(self, hostile: Hostile, n: int, log_ms: int) -> None:
        record = hostile.record
        self.found.kinds[hostile.kind] += 1
        self._offsets[record.topic] = record.offset
        outcome, outputs = self._fold(record)
        self.found.outcomes[outcome] += 1
        self._judge(record, outcome, outputs)
        self._sinks.take(record, outputs)
        if n % NEIGHBOUR_EVERY == 0:
            self._neighbour(record.topic, log_ms)
        if n % SNAPSHOT_EVERY == 0:
            for snapshot in checkpointed(self._states[record.topic])[1]:
                decode_snapshot(snapshot.value)

    def _fold(self, record: PlainRecord) -> tuple[str, list[Output]]:
        state = self._states.get(record.topic) or empty_partition(record.topic, 0)
        signal.setitimer(signal.ITIMER_PROF, HANGS_AFTER_S)
        self._states[record.topic], folded = process_fold(state, [record], make.processors())
        signal.setitimer(signal.ITIMER_PROF, 0)
        ((outcome, _),) = folded.counts.items()
        return outcome, folded.outputs

    def _judge(self, record: PlainRecord, outcome: str, outputs: list[Output]) -> None:
        assert outcome in LANDS, outcome
        refused = [one for one in make.dead_letters(outputs) if one.outcome == "refused"]
        own = [c for c in make.chunks(outputs) if c.source_offset == record.offset]
        assert len(own) == (outcome == "chunk"), (outcome, len(own))
        assert len(refused) == (outcome == "dead_letter"), (outcome, refused)
        for letter in refused:
            self.found.reasons[Reason(letter.reason).value] += 1
            assert letter.at_offset == record.offset
            assert letter.detail
            assert letter.content == content_of(record.key, record.headers, record.value)
            if len(record.value or b"") < MAX_RAW_BYTES:
                assert letter.value == record.value
                assert letter.headers == without_redrive(record.headers)
            assert decode_dead_letter(outputs[-1].value) == letter

    def _neighbour(self, topic: str, log_ms: int) -> None:
        """The good robot's next chunk: canonical, as if it were alone."""
        vendor = next(v for v in self._records.vendors if f"raw.{v.profile.vendor}" == topic)
        self._offsets[topic] += 1
        number = self._neighbours[topic]
        self._neighbours[topic] += 1
        record = self._records.neighbour(number, vendor, self._offsets[topic], log_ms)
        outcome, outputs = self._fold(record)
        assert outcome == "chunk", f"a good chunk beside it became {outcome}"
        self._sinks.take(record, outputs)


def run(count: int, seed: int, only: int | None = None) -> Found:
    """Inputs 0 … count - 1 of a seed, or one of them."""
    signal.signal(signal.SIGPROF, _hung)
    make.processors()
    whole = Run(seed)
    whole.inputs(iter(range(count) if only is None else [only]))
    return whole.found


def _hung(*_: object) -> None:
    raise HungError(f"more than {HANGS_AFTER_S} s of CPU time on one input")


def bound_memory() -> None:
    """Let whatever would take 2 GiB more than now fail."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main() -> int:
    """Run from the command line; exit 1 when an input did not come out as it must."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--count", type=int, default=20_000)
    told.add_argument("--seed", type=int, default=1)
    told.add_argument("--only", type=int, help="the number of one input")
    told.add_argument("--json", action="store_true")
    args = told.parse_args()
    make.processors()
    bound_memory()
    began = time.process_time()
    found = run(args.count, args.seed, args.only)
    document = found.document(args.count, args.seed, time.process_time() - began)
    if args.json:
        print(json.dumps(document, indent=2))
    else:
        for name, value in document.items():
            print(f"{name}: {value}")
    for failure in found.failures[:5]:
        count = int(failure.split()[1]) + 1
        again = f"python -m tests.chaos.hostile --seed {args.seed} --count {count}"
        print(f"again: {again}", file=sys.stderr)
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
