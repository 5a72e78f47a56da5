"""`python -m tests.chaos.mutants`: one-line mistakes, each of which the suite must catch.

Each mutant is one replacement in one file of a copy of the tree. It is played against the
simulation, as many seeds as the test suite plays, until a seed fails; what the simulation cannot
see (Faust's driver, files on disk) names the test that does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("schemas", "producers", "streams", "sinks", "deploy", "tests", "pyproject.toml")
SEEDS = 2_000


@dataclass(frozen=True)
class Mutant:
    """A mistake: `old` becomes `new` in a file; `test` sees it where the simulation does not."""

    name: str
    file: str
    old: str
    new: str
    test: str | None = None


@dataclass(frozen=True)
class Caught:
    """What caught a mutant, if anything did."""

    mutant: str
    caught_by: str | None
    seed: int | None
    seconds: float
    says: str


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "commit before manifest", "sinks/lake/sink.py",
        "                return {}\n", "                return self._segmenter.needed()\n",
    ),
    Mutant(
        "commit before insert", "sinks/clickhouse/sink.py",
        "        return self._at_rest\n",
        "        return self._at_rest | {p: s[1] for p, s in self._block.spans.items()}\n",
    ),
    Mutant(
        "manifest before segment", "sinks/lake/sink.py",
        "lanes.setdefault(action.stream, []).append(action)",
        "lanes.setdefault(action.stream, []).insert(0, action)",
    ),
    Mutant(
        "snapshot before its outputs", "streams/ledger.py",
        "while self._folds and self._folds[0].delivered:", "while self._folds:",
    ),
    Mutant(
        "acknowledge out of order", "streams/ledger.py",
        "while self._due and self._due[0].offset in self._acknowledged:",
        "while self._due and (self._acknowledged.add(self._due[0].offset) is None):",
        "tests/property/test_ledger.py",
    ),
    Mutant(
        "_add_gap restored", "streams/folding.py",
        "async def _add_gap(", "async def _add_no_gap(", "tests/unit/test_folding.py",
    ),
    Mutant(
        "a snapshot skipped", "streams/checkpoint.py",
        "for name in sorted(state.touched)}", "for name in sorted(state.touched)[1:]}",
    ),
    Mutant(
        "a stopped worker that wakes and writes", "streams/restore.py",
        "if known is None or clock.offset >= known.clock.offset:", "if True:",
        "tests/unit/test_state.py",
    ),
    Mutant(
        "compaction forgotten", "streams/restore.py",
        "if found.offset < offset and found.offset < clock.offset:", "if False:",
    ),
    Mutant(
        "processing_id left out of a lake key", "sinks/lake/keys.py",
        'return f"{ROOT}/{processing_id}/{robot}', 'return f"{ROOT}/{robot}',
    ),
    Mutant(
        "processing_id left out of a sorting key", "sinks/clickhouse/migrations/0001_tables.sql",
        "ORDER BY (robot, session, sequence, processing_id)\n",
        "ORDER BY (robot, session, sequence)\n",
    ),
    Mutant(
        "tail loss taken for an end", "streams/process.py",
        "(state, Cause.SILENCE, tick)", "(state, Cause.SESSION_END, tick)",
    ),
    Mutant(
        "tick dropped", "streams/process.py",
        "_silent(robots, clock, record) if is_new else ()", "()",
    ),
    Mutant(
        "a covered tick counted again", "streams/process.py",
        "_silent(robots, clock, record) if is_new else ()", "_silent(robots, clock, record)",
        "tests/unit/test_sessions.py",
    ),
    Mutant(
        "redrive counted twice", "streams/order.py",
        "left = tuple(half for half in halves if half[0] < half[1])",
        "left = ((start, stop),)",
    ),
    Mutant(
        "a duplicate accepted", "streams/order.py",
        "return Place.DUPLICATE, next", "return Place.LATE, next",
    ),
    Mutant(
        "a past session forgotten", "streams/sessions.py",
        "return (*state.past, over)[-MAX_PAST:], history, outputs", "return (), history, outputs",
    ),
    Mutant(
        "late frames that never end", "streams/process.py",
        "robot, ended = end_late(robot, until_ms, tick)", "ended: list[Output] = []",
    ),
    Mutant(
        "the last of two values wins", "sinks/clickhouse/migrations/0001_tables.sql",
        "ReplacingMergeTree(precedence)\nORDER BY (robot, session, sequence, processing_id)\n",
        "ReplacingMergeTree\nORDER BY (robot, session, sequence, processing_id)\n",
        "tests/property/test_first_wins.py",
    ),
    Mutant(
        "backlog let go before its report", "producers/sdk/flight.py",
        "while self._flown and self._flown[0].delivered:",
        "while self._flown and self._flown[0].delivered is not False:",
    ),
    Mutant(
        "what lies in the store not looked up", "sinks/lake/segmenter.py",
        "for facts in self._recall(region):", "for facts in ():",
    ),
    Mutant(
        "a sink keeps its block over a rebalance", "sinks/follow.py",
        "forget()\n        sink.reset()\n", "forget()\n",
    ),
    Mutant(
        "an end does not cut", "sinks/lake/segmenter.py",
        "if segment is not None and segment.region == region:", "if False:",
    ),
    Mutant(
        "a refusal under another record's name", "schemas/marks.py",
        'return f"{session}@{offset:010d}"', 'return episode_id(session, 0)',
    ),
    Mutant(
        "a commit of the generation before", "streams/worker.py",
        " and assigned.generation == generation", "",
        "tests/property/test_committed_offsets.py",
    ),
)  # fmt: skip


def copy_with(mutant: Mutant, folder: Path) -> None:
    """The tree with the mistake in it."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    path = folder / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        raise LookupError(f"{mutant.name}: {mutant.file} holds it {text.count(mutant.old)} times")
    path.write_text(text.replace(mutant.old, mutant.new))


def play(mutant: Mutant, seeds: int) -> Caught:
    """Make the mistake, and see who notices."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        copy_with(mutant, folder)
        if mutant.test is not None:
            command = (*_python(), "-m", "pytest", "-q", "-x", mutant.test)
            run = _run(command, folder)
            caught = mutant.test if run.returncode == 1 else None
            return Caught(mutant.name, caught, None, _since(began), "")
        command = (
            *_python(), "-m", "tests.chaos.simulate", "--seeds", f"0:{seeds}", "--json",
            "--fail-fast",
        )  # fmt: skip
        run = _run(command, folder)
        # A simulation that cannot be played at all has caught nothing.
        failures = json.loads(run.stdout)["failures"] if run.stdout.startswith("{") else []
        if not failures:
            return Caught(mutant.name, None, None, _since(began), run.stderr[-200:])
        first = failures[0]
        return Caught(mutant.name, "simulation", first["seed"], _since(began), first["wrong"][:90])


def _python() -> Sequence[str]:
    return (sys.executable,)


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


def main() -> int:
    """Play all mutants, print the table; exit 1 when one lives."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="part of a name")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if told.only in mutant.name]
    with ThreadPoolExecutor(told.jobs) as pool:
        results = list(pool.map(lambda mutant: play(mutant, told.seeds), chosen))
    if told.json:
        print(json.dumps([asdict(caught) for caught in results], indent=1))
    else:
        print(f"{'mutant':42} {'caught by':32} {'seed':>5} {'s':>6}  first words")
        for caught in results:
            seed = "" if caught.seed is None else caught.seed
            by = caught.caught_by or "NOBODY"
            print(f"{caught.mutant:42} {by:32} {seed:>5} {caught.seconds:>6}  {caught.says}")
    return 0 if all(caught.caught_by for caught in results) else 1


if __name__ == "__main__":
    sys.exit(main())
