"""Questions of docs/analytics.md to 20,000 episodes, answered anew from what was put in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client
from obstore.store import MemoryStore, ObjectStore

from schemas.events import EpisodeEvent, EventKind, Finding, QualityReport
from sinks.catalogue import list_episodes
from sinks.clickhouse.client import connect_created
from sinks.clickhouse.fact_tables import findings_table, processings_table
from sinks.clickhouse.migrate import migrate
from sinks.datasets.export import Format, export
from sinks.datasets.plan import Choice
from sinks.found_in import FoundIn, found_in
from sinks.where.sql import parse_where
from tests import make
from tests.catalogue_make import DAY_NS, Copies, fill, fill_with_copies, with_stored
from tests.lake_make import seal_facts, simulated
from tests.sink_rig import unique

DOC = Path(__file__).parents[2] / "docs/analytics.md"
COMPLETE = 20_000
REPLACED = 300
OPEN = 24
UNKNOWN = 12


@dataclass(frozen=True)
class Facility:
    client: Client
    store: ObjectStore
    copies: Copies
    newest_ns: int
    processing: str


@pytest.fixture(scope="module")
def facility(clickhouse: str) -> Iterator[Facility]:
    client = connect_created(clickhouse, unique("facility").replace("-", "_"))
    migrate(client)
    store = MemoryStore()
    facts = seal_facts(store, [simulated("unitree", 1, 40, episodes=3)])
    fill(client, facts)
    one = with_stored([fact for fact in facts if fact.episode == facts[0].episode])
    copies = fill_with_copies(client, one, COMPLETE)
    before = [replace(fact, processing_id="before") for fact in one]
    client.insert_arrow("processings", processings_table([("before", -1)]))
    fill_with_copies(client, before, REPLACED)
    opened = [fact for fact in one if fact.kind is EventKind.OPENED]
    fill_with_copies(client, opened, OPEN, start=COMPLETE)
    fill_with_copies(client, [_without_end(fact) for fact in one], UNKNOWN, start=COMPLETE + OPEN)
    newest_ns = max(fact.t_first_ns or 0 for fact in facts)
    yield Facility(client, store, copies, newest_ns, facts[0].processing_id)
    client.close()


def _without_end(fact: EpisodeEvent) -> EpisodeEvent:
    return replace(fact, cause="silence") if fact.kind is EventKind.CLOSED else fact


def questions() -> list[str]:
    """The SQL of each question, in order."""
    return re.findall(r"^## \d+\..*?```sql\n(.*?)```", DOC.read_text(), re.M | re.S)


def answer(facility: Facility, number: int, sets: Path | None = None) -> list[tuple]:
    """Every row of an answer: the document's limit, which is for reading, is left out."""
    sql = re.sub(r"^LIMIT 5\n", "", questions()[number - 1], flags=re.M)
    return facility.client.query(sql.replace("DATA_SETS", str(sets))).result_rows


def own(facility: Facility, name: str) -> np.ndarray:
    return facility.copies.told[name]


def test_there_are_ten() -> None:
    assert len(questions()) == 10


def test_hours(facility) -> None:
    rows = {(maker, task): rest for maker, task, *rest in answer(facility, 1) if maker != "unitree"}
    assert len(rows) == 60
    for (maker, task), (episodes, hours, accepted_hours) in rows.items():
        chosen = (own(facility, "maker") == maker) & (own(facility, "task") == task)
        accepted = chosen & (own(facility, "verdict") == "accept")
        assert episodes == chosen.sum()
        assert hours == pytest.approx(facility.copies.hours[chosen].sum(), abs=0.006)
        assert accepted_hours == pytest.approx(facility.copies.hours[accepted].sum(), abs=0.006)


def test_days(facility) -> None:
    rows = {day: rest for day, *rest in answer(facility, 2)}
    days = (facility.copies.t_first_ns // DAY_NS).astype("datetime64[D]")
    for day in np.unique(days)[:-1]:
        accepted = (days == day) & (own(facility, "verdict") == "accept")
        assert rows[day.item()][:2] == [(days == day).sum(), accepted.sum()]


def test_goals(facility) -> None:
    rows = answer(facility, 3)
    accepted = own(facility, "verdict") == "accept"
    found = {task: (hours, missing) for task, _, hours, missing in rows}
    assert rows[-1][3] <= rows[0][3]
    assert found["tie a knot"] == (0.0, 1.0)
    for task in ("pour water", "fold the towel"):
        hours = facility.copies.hours[accepted & (own(facility, "task") == task)].sum()
        assert found[task][0] == pytest.approx(hours, abs=0.006)


def test_stations(facility) -> None:
    rows = [row for row in answer(facility, 4) if row[0] != "s-1"]
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    for station, hours, robots, rejected in rows:
        chosen = own(facility, "station") == station
        accepted = chosen & (own(facility, "verdict") == "accept")
        assert hours == pytest.approx(facility.copies.hours[accepted].sum(), abs=0.0006)
        assert robots == len(np.unique(own(facility, "robot")[chosen]))
        share = (own(facility, "verdict")[chosen] == "reject").mean()
        assert rejected == pytest.approx(share, abs=0.0006)


def test_operators(facility) -> None:
    rows = [row for row in answer(facility, 5) if row[0] != "op-1"]
    assert len(rows) == 59
    for operator, episodes, accepted, succeeded, tasks in rows:
        chosen = own(facility, "operator") == operator
        assert episodes == chosen.sum()
        share = (own(facility, "verdict")[chosen] == "accept").mean()
        assert accepted == pytest.approx(share, abs=0.0006)
        assert succeeded == 1.0
        assert tasks == len(np.unique(own(facility, "task")[chosen]))


def test_idle_robots(facility) -> None:
    rows = answer(facility, 6)
    robots, place = np.unique(own(facility, "robot"), return_inverse=True)
    last_ns = np.zeros(len(robots), np.int64)
    np.maximum.at(last_ns, place, facility.copies.t_first_ns)
    idle = set(robots[last_ns < facility.newest_ns - 7 * DAY_NS].tolist())
    assert {row[0] for row in rows} == idle
    assert len(idle) > 400


def test_tasks_of_many_makers(facility) -> None:
    rows = {task: rest for task, *rest in answer(facility, 7)}
    accepted = own(facility, "verdict") == "accept"
    for task in np.unique(own(facility, "task")):
        chosen = accepted & (own(facility, "task") == task)
        assert rows[str(task)][0] == len(np.unique(own(facility, "maker")[chosen]))
        hours = facility.copies.hours[chosen].sum()
        assert rows[str(task)][1] == pytest.approx(hours, abs=0.006)


def test_what_is_not_complete(facility) -> None:
    found = {}
    for state, _, episodes, _ in answer(facility, 8):
        found[state] = found.get(state, 0) + episodes
    assert found == {"open": OPEN, "unknown_tail": UNKNOWN}


def test_versions(facility) -> None:
    rows = {processing: rest for _, processing, *rest in answer(facility, 9)}
    assert rows == {facility.processing: [COMPLETE + 3, 0], "before": [0, REPLACED]}


def test_data_sets(facility, tmp_path) -> None:
    chosen = list_episodes(facility.client, where=parse_where("vendor = 'unitree'"))
    assert len(chosen) == 3
    for name, own_episodes in (("a", chosen), ("b", chosen[:1])):
        export(Choice(name), Format.LEROBOT_V3, str(tmp_path / name), "all", own_episodes,
               facility.store, make.vendors(), lambda *_: None)  # fmt: skip
    rows = answer(facility, 10, tmp_path)
    assert [row[1] for row in rows] == [2, 1, 1]
    assert rows[0][0] == chosen[0].episode
    assert all(row[2] for row in rows)


@pytest.mark.parametrize("limit", [7, 50, 100_000])
def test_a_filtered_list_is_what_meets_the_filter(facility, limit) -> None:
    where = parse_where("task = 'pour water' and verdict = 'accept' and station in ('s-3', 's-7')")
    found = list_episodes(facility.client, where=where, limit=limit)
    chosen = (own(facility, "task") == "pour water") & (own(facility, "verdict") == "accept")
    chosen &= np.isin(own(facility, "station"), ["s-3", "s-7"])
    names = sorted(own(facility, "episode")[chosen].tolist(), reverse=True)
    assert [one.episode for one in found] == names[:limit]
    assert {one.processing_id for one in found} == {facility.processing}


def test_findings_of_an_episode_are_those_of_its_processing(facility) -> None:
    (one, *_) = list_episodes(facility.client, where=parse_where("vendor = 'unitree'"))
    finding = Finding("gap", "error", None, 7, 9, 3, 8.0, 5.0)
    joint = replace(finding, check="jerk", channel="left_elbow_joint", first_frame=2, last_frame=3)
    report = QualityReport(
        robot=one.robot, session=one.session, sequence=4, first_frame=0, frames=20,
        episode=one.episode, processing_id=one.processing_id, source_topic="raw.unitree",
        source_partition=0, source_offset=4, log_ms=0, findings=[finding, joint],
    )  # fmt: skip
    other = replace(report, processing_id="before", findings=[replace(finding, check="rate")])
    facility.client.insert_arrow("findings", findings_table([report, other, report]))
    assert found_in(facility.client, one) == [
        FoundIn("jerk", "left_elbow_joint", 2, 3),
        FoundIn("gap", "", 7, 9),
    ]
