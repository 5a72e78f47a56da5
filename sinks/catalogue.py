"""Questions about what is stored: which episodes there are, what one consists of, how much in all.

Every function takes a client of the database and gives plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from obstore.store import ObjectStore

from sinks.objects import read_object
from sinks.where.sql import EVERY, Condition


@dataclass(frozen=True)
class Episode:
    """An episode as one processing made it.

    `state` is open, unknown_tail (nobody said where it ends), incomplete (chunks of it never came),
    coming (not yet in both stores), or complete, which is what `episodes` shows.
    """

    episode: str
    processing_id: str
    robot: str
    session: str
    profile: str | None
    embodiment: str | None
    task: str | None
    skill: str | None
    scene: str | None
    operator: str | None
    station: str | None
    mode: str | None
    success: bool | None
    aborted: bool | None
    cause: str | None
    frames: int | None
    stored_frames: int | None
    sealed_frames: int | None
    missing: int | None
    t_first_ns: int | None
    t_last_ns: int | None
    verdict: str | None
    score: float | None
    reasons: list[str]
    manifest: str | None
    manifest_sha256: str | None
    state: str
    label_revision: int | None
    review: str | None
    author: str | None
    note: str | None
    is_closed: bool
    is_stored: bool
    is_sealed: bool

    @property
    def complete(self) -> bool:
        """Whether every frame that the tracker counted is in both stores."""
        return self.state == "complete"

    @property
    def vendor(self) -> str:
        """The vendor part of the robot's name."""
        return self.robot.split("/", 1)[0]

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {**asdict(self), "complete": self.complete}


@dataclass(frozen=True)
class EpisodeDetail:
    """One episode with all that is known of it.

    Attributes:
        episode: as its current or only processing made it.
        findings: frames by check.
        events: what each writer said, in the order of the log.
        manifest: the manifest as it lies in object storage; None before it is sealed.
    """

    episode: Episode
    findings: Mapping[str, int]
    events: list[dict[str, Any]]
    manifest: dict[str, Any] | None

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "episode": self.episode.document(),
            "findings": dict(self.findings),
            "events": self.events,
            "manifest": self.manifest,
        }


@dataclass(frozen=True)
class VendorCount:
    """What ClickHouse holds of a vendor."""

    vendor: str
    robots: int
    frames: int
    episodes: int
    refused_frames: int


_COLUMNS = ", ".join(part.name for part in fields(Episode))
_EXACT = ("robot", "session", "task", "skill", "scene", "operator", "station", "mode", "verdict")


def list_episodes(
    client: Client,
    *,
    vendor: str | None = None,
    complete_only: bool = True,
    where: Condition = EVERY,
    limit: int = 100,
    **wanted: str,
) -> list[Episode]:
    """Episodes, the latest first.

    Args:
        client: of the database.
        vendor: only this vendor's.
        complete_only: the current processing of complete ones; else everything that was opened.
        where: a condition that they meet.
        limit: at most so many.
        wanted: exact values of robot, session, task, skill, scene, operator, station, mode or
            verdict.
    """
    unknown = sorted(set(wanted) - set(_EXACT))
    if unknown:
        raise ValueError(f"no episode has {', '.join(unknown)}; there are {', '.join(_EXACT)}")
    conditions = [f"{name} = {{{name}:String}}" for name in wanted]
    parameters: dict[str, Any] = {**wanted, **where.parameters}
    conditions.append(where.sql)
    if vendor is not None:
        conditions.append("startsWith(robot, {prefix:String})")
        parameters["prefix"] = f"{vendor}/"
    table = "episodes" if complete_only else "episode_states"
    # The names first, from the few columns that conditions need; all columns then of those alone.
    query = (
        f"SELECT {_COLUMNS} FROM episode_states WHERE (episode, processing_id) IN "
        f"(SELECT episode, processing_id FROM {table} WHERE {' AND '.join(conditions)} "
        f"ORDER BY session DESC, episode DESC LIMIT {limit}) "
        "ORDER BY session DESC, episode DESC, processing_id"
    )
    return [_episode(row) for row in client.query(query, parameters=parameters).named_results()]


def show_episode(
    client: Client, store: ObjectStore | None, episode: str, processing_id: str | None = None
) -> EpisodeDetail | None:
    """Everything about one episode; None where nobody ever heard of it.

    Args:
        client: of the database.
        store: where its manifest lies; None leaves that out.
        episode: its id.
        processing_id: which processing of it; None for the current, or for the one there is.
    """
    condition = "episode = {episode:String}"
    parameters = {"episode": episode}
    if processing_id is not None:
        condition += " AND processing_id = {processing:String}"
        parameters["processing"] = processing_id
    found: list[Episode] = []
    for table in ("episodes", "episode_states"):
        if not found:
            query = f"SELECT {_COLUMNS} FROM {table} WHERE {condition} ORDER BY processing_id"
            rows = client.query(query, parameters=parameters).named_results()
            found = [_episode(row) for row in rows]
    if not found:
        return None
    one = found[0]
    own = {"episode": one.episode, "processing": one.processing_id}
    manifest = None
    if store is not None and one.manifest is not None:
        manifest = orjson.loads(read_object(store, one.manifest))
    return EpisodeDetail(one, _findings(client, own), _events(client, own), manifest)


def counts_by_vendor(client: Client) -> list[VendorCount]:
    """Frames, complete episodes and refused frames of each vendor."""
    query = """
        SELECT vendor, max(robots), max(frames), max(episodes), max(refused) FROM
        (
            SELECT splitByChar('/', robot)[1] AS vendor, uniqExact(robot) AS robots,
                sum(frames) AS frames, 0 AS episodes, 0 AS refused
            FROM frames_live GROUP BY vendor
            UNION ALL
            SELECT splitByChar('/', robot)[1] AS vendor, 0, 0, count(), 0
            FROM episodes GROUP BY vendor
            UNION ALL
            SELECT splitByChar('.', source_topic)[2] AS vendor, 0, 0, 0, sum(frames)
            FROM dead_letters FINAL WHERE outcome = 'refused' GROUP BY vendor
        )
        GROUP BY vendor ORDER BY vendor
    """
    return [
        VendorCount(str(vendor), int(robots), int(frames), int(episodes), int(refused))
        for vendor, robots, frames, episodes, refused in client.query(query).result_rows
    ]


def _episode(row: Mapping[str, Any]) -> Episode:
    flags = {name: bool(row[name]) for name in ("is_closed", "is_stored", "is_sealed")}
    return Episode(**{**row, **flags, "reasons": list(row["reasons"])})


def _findings(client: Client, own: Mapping[str, str]) -> dict[str, int]:
    result = client.query(
        "SELECT check, sum(frames) FROM findings FINAL WHERE episode = {episode:String} "
        "AND processing_id = {processing:String} GROUP BY check ORDER BY check",
        parameters=dict(own),
    )
    return {str(check): int(frames) for check, frames in result.result_rows}


def _events(client: Client, own: Mapping[str, str]) -> list[dict[str, Any]]:
    result = client.query(
        "SELECT * FROM episode_events FINAL WHERE episode = {episode:String} "
        "AND processing_id = {processing:String} ORDER BY event_offset",
        parameters=dict(own),
    )
    return [
        {name: value for name, value in row.items() if value not in (None, [])}
        for row in result.named_results()
    ]
