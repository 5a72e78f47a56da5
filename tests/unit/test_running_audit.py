"""The running audit leaves behind what it has judged, also while something is always in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from deploy.audit import running
from deploy.audit.report import AuditReport, SessionAudit, problem
from deploy.audit.run import Audited
from deploy.audit.running import RunningAudit
from deploy.audit.watermark import Watermark, load_watermark
from schemas.settings import Settings

PLACE = ("raw.fourier", 0)
EACH = 10


class Scripted:
    """Round k sees the log up to `EACH` · (k + 1); `lost` says what is missing in which round."""

    def __init__(self, lost: Callable[[int], Iterable[int]]) -> None:
        self._lost = lost
        self.number = 0
        self.windows: list[tuple[int, int]] = []

    def audit(self, mark: Watermark) -> Audited:
        start, stop = mark.offsets.get(PLACE, 0), EACH * (self.number + 1)
        missing = {at for at in self._lost(self.number) if start <= at < stop}
        self.windows.append((start, stop))
        self.number += 1

        def outcomes(before: dict[tuple[str, int], int]) -> dict[str, int]:
            judged = range(start, before.get(PLACE, 0))
            lost = sum(at in missing for at in judged)
            return {"canonical": len(judged) - lost, "missing": lost}

        found = problem("nowhere", "Gone.", (f"raw.fourier/0/{at}" for at in sorted(missing)))
        report = AuditReport(
            {}, {"in_flight": 0}, 0, SessionAudit(), tuple(found), deep=False
        )  # fmt: skip
        return Audited(report, Watermark({PLACE: stop}, 1.0, 1, mark.ledger), outcomes)


@pytest.fixture
def rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[int], Iterable[int]], int], tuple[Scripted, list[dict], Watermark]]:
    def run(
        lost: Callable[[int], Iterable[int]], count: int
    ) -> tuple[Scripted, list[dict], Watermark]:
        scripted = Scripted(lost)
        monkeypatch.setattr(running, "Auditor", lambda _settings: scripted)
        monkeypatch.setattr(running, "archive_headroom", lambda _bootstrap: [])
        own = {"home": tmp_path, "kafka_bootstrap": "nowhere:1"}
        audit = RunningAudit(Settings().model_copy(update=own))
        told = [audit.round() for _ in range(count)]
        return scripted, told, load_watermark(tmp_path)

    return run


def counts(told: dict) -> list[int]:
    return [one["count"] for one in told["problems"]]


def test_where_nothing_is_found_everything_is_judged_once(rounds) -> None:
    scripted, _, mark = rounds(lambda _round: (), 4)
    assert scripted.windows == [(0, 10), (10, 20), (20, 30), (30, 40)]
    assert mark.offsets == {PLACE: 40}


def test_what_was_only_late_is_never_told(rounds) -> None:
    scripted, told, mark = rounds(lambda number: (EACH * number + 5,), 30)
    assert all(one["problems"] == [] for one in told)
    assert max(stop - start for start, stop in scripted.windows) == 2 * EACH
    assert mark.offsets == {PLACE: 29 * EACH}


def test_what_is_lost_again_and_again_is_told_once_each(rounds) -> None:
    """A store that loses a record in every round: the window stays as it is, the count grows."""
    lost = range(5, 10_000, EACH)
    scripted, told, _ = rounds(lambda _round: lost, 30)
    assert max(stop - start for start, stop in scripted.windows) == 2 * EACH
    assert counts(told[-1]) == [29]
    assert told[-1]["in_doubt"] == 1


def test_what_stands_beside_what_is_only_late_is_told(rounds) -> None:
    scripted, told, _ = rounds(lambda number: (3, EACH * number + 5), 10)
    assert counts(told[1]) == [1]
    assert counts(told[-1]) == [1]
    assert max(stop - start for start, stop in scripted.windows) == 2 * EACH
