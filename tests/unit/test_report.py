"""What is told of findings that go on, of scores, of copies and of zeros that moved; limits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from producers.faults.simulated import simulated_take
from producers.faults.take import RawTake
from schemas.checks import BY_ID
from schemas.events import EventKind, Finding, QualityReport, decode_report
from schemas.marks import MarkKind
from schemas.profile import Profile
from schemas.thresholds import Threshold, ThresholdError, load_thresholds, resolve
from streams.history import NO_HISTORY, after_session, known_again, zero_jumps
from streams.limits import compile_limits
from streams.records import Output, PlainRecord
from streams.report import scored
from streams.state import EpisodePrint
from streams.throttle import throttled, told_off
from tests import make

RATE_HZ = 20


def imu(first: int, last: int) -> Finding:
    return Finding("imu_norm", "warning", None, first, last, last - first, 2.0 + first / 1e3, 1.5)


def test_a_finding_that_goes_on_is_told_when_it_begins_and_when_it_is_over() -> None:
    going_on, told = throttled({}, [imu(0, 10)], 10, 100)
    assert told == [imu(0, 10)]
    for first in range(10, 60, 10):
        going_on, told = throttled(going_on, [imu(first, first + 10)], first + 10, 100)
        assert told == []
    going_on, told = throttled(going_on, [], 161, 100)
    assert going_on == {}
    (rest,) = told
    assert (rest.first_frame, rest.last_frame, rest.frames) == (10, 60, 50)
    assert rest.value == pytest.approx(2.05)


def test_at_an_episode_s_end_what_goes_on_is_told_and_goes_on() -> None:
    going_on, _ = throttled({}, [imu(0, 10)], 10, 100)
    going_on, _ = throttled(going_on, [imu(10, 20)], 20, 100)
    going_on, (rest,) = told_off(going_on)
    assert (rest.first_frame, rest.last_frame, rest.frames) == (10, 20, 10)
    assert told_off(going_on)[1] == []
    assert len(going_on) == 1


def test_findings_of_frames_are_told_in_each_chunk() -> None:
    gap = Finding("gap", "error", None, 3, 4, 1, 9.0, 5.0)
    going_on, told = throttled({}, [gap], 10, 100)
    assert (going_on, told) == ({}, [gap])


def test_a_score_falls_with_errors_and_recovers() -> None:
    score = 1.0
    for _ in range(60):
        score = scored(score, 50, 50, 50.0)
    low = score
    for _ in range(60):
        score = scored(score, 0, 50, 50.0)
    assert low == pytest.approx(0.61, abs=0.02)
    assert low < score < 1.0


def session(take: RawTake, episodes: int, numbers: Iterator[int], name: str) -> list[PlainRecord]:
    """A session in which the same take is recorded several times over."""
    records, sequence, first = [], count(), 0
    own = {"session": name}

    def mark(kind: MarkKind, **fields: object) -> None:
        records.append(
            make.mark("unitree", kind, offset=next(numbers), sequence=next(sequence),
                      first_frame=first, fields=fields, **own)
        )  # fmt: skip

    mark(MarkKind.SESSION_START)
    for number in range(episodes):
        mark(MarkKind.EPISODE_START, task=f"task {number}")
        for _, part in take.chunks(10):
            records.append(
                make.chunk("unitree", part.value, part.frames, offset=next(numbers),
                           sequence=next(sequence), first_frame=first, **own)
            )  # fmt: skip
            first += part.frames
        mark(MarkKind.EPISODE_END)
    mark(MarkKind.SESSION_END)
    return records


def reports(outputs: list[Output]) -> list[QualityReport]:
    return [decode_report(o.value) for o in outputs if o.topic == "quality.reports"]


def test_a_copy_of_an_earlier_episode_is_known_in_the_next_session_too() -> None:
    take = simulated_take(make.vendor("unitree"), 12.0)
    numbers = count()
    one, two = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW"
    state, first = make.run(session(take, 1, numbers, one))
    assert "duplicate" not in {f.check for f in make.findings(first)}
    again = session(take, 2, numbers, two)
    _, second = make.run(again, state)
    verdicts = [e for e in make.events(second) if e.kind is EventKind.VERDICT]
    assert [e.verdict for e in verdicts] == ["review", "review"]
    copy = BY_ID["duplicate"].meaning
    assert all(any(reason.startswith(copy) for reason in e.reasons) for e in verdicts)
    noisy = take.with_signal("position", take.signal("position") + 1e-5)
    _, third = make.run(session(noisy, 1, numbers, two[:-1] + "X"), state)
    assert {f.check for f in make.findings(third)} >= {"near_duplicate"}


def test_other_motions_are_no_copies() -> None:
    place = np.linspace(0.1, 0.9, 8, dtype=np.float32)
    old = EpisodePrint("a", 500, 7, place)
    history = NO_HISTORY._replace(episodes=(old,))
    new = old._replace(episode="b", digest=8, place=place + np.float32(0.02))
    assert known_again(history, new, {}) is None
    assert known_again(history, new._replace(place=place, frames=600), {}) is None
    assert known_again(history, new._replace(place=place), {}) == ("near_duplicate", 0.0)
    still = np.zeros(8, np.float32)
    history = NO_HISTORY._replace(episodes=(old._replace(place=still),))
    assert known_again(history, new._replace(place=still), {}) is None


def test_a_zero_that_moved_between_sessions_is_told_once() -> None:
    take = simulated_take(make.vendor("unitree"), 24.0)
    numbers = count()
    one, two = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW"
    state, first = make.run(session(take, 1, numbers, one))
    position = take.signal("position")
    position[:, 3] += 0.18
    struck = take.with_signal("position", position)
    _, second = make.run(session(struck, 1, numbers, two), state)
    assert "zero_jump" not in {f.check for f in make.findings(first)}
    (found,) = [f for f in make.findings(second) if f.check == "zero_jump"]
    assert found.channel == take.channels[3]
    assert found.value == pytest.approx(0.18, abs=0.02)


def test_an_unknown_zero_is_waited_for_and_an_old_one_kept() -> None:
    state, _ = make.run(
        session(simulated_take(make.vendor("unitree"), 4.0), 1, count(), make.SESSION)
    )
    checks = next(iter(state.robots.values())).checks
    known = NO_HISTORY._replace(bias=np.zeros(len(checks.seen_ns), np.float32))
    assert zero_jumps(known, checks, (), 0.05, 0, 1) == (known, [])
    np.testing.assert_array_equal(after_session(known, checks).bias, known.bias)


def row(**fields: object) -> Threshold:
    return Threshold(check="too_long", **fields)


def test_the_closest_threshold_counts() -> None:
    profile: Profile = make.vendor("fourier").profile
    rows = [
        row(threshold=5.0),
        row(vendor="fourier", threshold=10.0),
        row(robot="fourier_gr1t2_inspire", threshold=20.0),
        row(task="fold", threshold=30.0),
        row(task="fold", vendor="fourier", threshold=40.0, least=1.0),
    ]
    assert resolve(profile, rows[:1], None, "too_long")[0] == 5.0
    assert resolve(profile, rows[:2], None, "too_long")[0] == 10.0
    assert resolve(profile, rows, None, "too_long")[0] == 20.0
    assert resolve(profile, rows, "wipe", "too_long")[0] == 20.0
    assert resolve(profile, rows, "fold", "too_long") == (40.0, 1.0)
    assert not row(vendor="iit", threshold=1.0).concerns(profile)
    limits = compile_limits(profile, make.vendor("fourier").embodiment, rows)
    assert (limits.at("fold").of("too_long"), limits.at(None).of("too_long")) == (40.0, 20.0)


def test_a_task_has_its_own_verdict() -> None:
    """The packaged table: to fold a towel takes more than 3 s."""
    take = simulated_take(make.vendor("unitree"), 2.5)
    named = session(take, 1, count(), make.SESSION)
    mark = make.mark("unitree", MarkKind.EPISODE_START, sequence=1, offset=1,
                     fields={"task": "fold the towel"})  # fmt: skip
    _, usual = make.run(named)
    _, folding = make.run([named[0], mark, *named[2:]])
    assert "too_short" not in {f.check for f in make.findings(usual)}
    (short,) = [f for f in make.findings(folding) if f.check == "too_short"]
    assert short.threshold == 3.0


def test_a_bad_table_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text('[[threshold]]\ncheck = "too_loud"\nthreshold = 1.0\n')
    with pytest.raises(ThresholdError, match="no check is named 'too_loud'"):
        load_thresholds(tmp_path)
    path.write_text('[[threshold]]\ncheck = "gap"\n')
    with pytest.raises(ThresholdError, match="neither a threshold nor a least"):
        load_thresholds(tmp_path)


def test_reports_carry_the_robot_s_score() -> None:
    take = simulated_take(make.vendor("unitree"), 12.0)
    position = take.signal("position")
    position[60:120, 2] = np.nan
    struck = take.with_signal("position", position)
    _, outputs = make.run(session(struck, 1, count(), make.SESSION))
    scores = [report.score for report in reports(outputs)]
    assert scores[0] < 1.0
    assert min(scores) > 0.9
    assert all(score is not None for score in scores)
