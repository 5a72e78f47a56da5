"""Decides about a seed, from the raw log, the topics and what is at rest, by code of its own."""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import obstore
import orjson

from schemas.canonical import Boundary, BoundaryKind, CanonicalChunk
from schemas.events import decode_dead_letter
from schemas.marks import episode_id
from sinks.lake.keys import ROOT
from streams.checkpoint import empty_partition
from streams.process import process_fold
from tests.chaos.sim.arithmetic import ADDED, decoded, processors
from tests.chaos.sim.log import PARTITIONS, Log, Place
from tests.chaos.sim.sink import Outside, SinkProcess, outside, resolved
from tests.chaos.sim.world import LETTERS, RAW_PLACES, World

CANONICAL, EPISODES = "canonical.frames", "episodes"
BACKFILLED = 4
"""Of so many seeds one is processed again under another id."""
CLEAN_ENDS = {"mark", "session_end", "new_episode", "gap"}
Chunk = tuple[str, str, int]
"""Robot, session, sequence."""


@dataclass(frozen=True)
class RawChunk:
    """A good chunk of the raw log, where it stood first."""

    first_frame: int
    frames: int


def judge(world: World) -> None:
    """Raise AssertionError with what is wrong."""
    expected = uninterrupted(world)
    chunks = good_chunks(world)
    acknowledged_is_there(world)
    every_refusal_has_a_letter(world)
    every_start_is_answered(world)
    topics_are_those_of_the_uninterrupted_run(world, expected)
    once_in_canonical(world, chunks)
    rows_are_the_chunks(world, chunks)
    frames_lie_once_in_the_lake(world, chunks)
    sessions_have_ended(world)
    episodes_are_whole(world, final=True)
    lake_is_that_of_an_undisturbed_sink(world, expected)
    if world.seed % BACKFILLED == 0:
        another_processing_stands_beside_the_first(world, chunks)


def raw_records(world: World) -> list[tuple[Place, Any, dict[str, bytes]]]:
    """Every raw record with its headers."""
    if not world.read:
        world.read = [
            (place, record, {name: value or b"" for name, value in record.headers})
            for place in RAW_PLACES
            for record in world.log.places[place]
        ]
    return world.read


def raw_chunks(world: World) -> Iterator[tuple[Place, Any, Chunk, RawChunk, bool]]:
    for place, record, told in raw_records(world):
        if told["kind"] != b"chunk":
            continue
        name = (told["robot"].decode(), told["session"].decode(), int(told["sequence"]))
        known = told["profile"] != ADDED.encode() or record.offset >= world.added_at[place]
        good = known and record.value.isdigit()
        frames = RawChunk(int(told["first_frame"]), int(told["frames"]))
        yield place, record, name, frames, good


def good_chunks(world: World) -> dict[Chunk, RawChunk]:
    """What must be at rest, once."""
    return {name: frames for _, _, name, frames, good in raw_chunks(world) if good}


def acknowledged_is_there(world: World) -> None:
    """Robot to raw: every record that a robot's software was told is taken has arrived."""
    there: dict[tuple[str, str], set[int]] = defaultdict(set)
    for _, _, told in raw_records(world):
        if told["kind"] in (b"chunk", b"mark"):
            there[told["robot"].decode(), told["session"].decode()].add(int(told["sequence"]))
    for robot in world.robots:
        for session in robot.sessions:
            lost = {sequence for _, sequence, _ in session.told} - there[robot.name, session.name]
            assert not lost, f"{robot.name} {session.name}: acknowledged, never arrived: {lost}"


def every_refusal_has_a_letter(world: World) -> None:
    letters = {
        (letter.source_partition, letter.at_offset)
        for partition in range(PARTITIONS)
        for record in world.log.places[(LETTERS, partition)]
        if (letter := decode_dead_letter(record.value or b"")).outcome == "refused"
    }
    seen: set[Chunk] = set()
    for place, record, name, _, good in raw_chunks(world):
        if not good and name not in seen:
            assert (place[1], record.offset) in letters, f"{place}@{record.offset}: no dead letter"
        if good:
            seen.add(name)


def every_start_is_answered(world: World) -> None:
    """`episodes` says of every start mark in sequence what became of it, or a dead letter does."""
    said = {episode for episode, _, kind in facts(world.log) if kind in ("opened", "refused")}
    letters = {
        (letter.source_partition, letter.at_offset)
        for partition in range(PARTITIONS)
        for record in world.log.places[(LETTERS, partition)]
        if (letter := decode_dead_letter(record.value or b""))
    }
    for place, record, told in raw_records(world):
        if told["kind"] == b"mark" and b"episode_start" in record.value:
            name = episode_id(told["session"].decode(), int(told["sequence"]))
            answered = name in said or (place[1], record.offset) in letters
            assert answered, f"{name}: a start without an answer"


def uninterrupted(world: World) -> Log:
    """The same raw log through one worker that nothing happens to."""
    log = Log(world.clock)
    for place in RAW_PLACES:
        records = world.log.places[place]
        cut = world.added_at[place]
        state = empty_partition(*place, PARTITIONS)
        before = {name: made for name, made in processors(1).items() if name != ADDED}
        for known, part in ((before, records[:cut]), (processors(1), records[cut:])):
            state, folded = process_fold(state, part, known)
            for output in folded.outputs:
                log.append(output.topic, output.partition, output.key, output.value)
    return log


def topics_are_those_of_the_uninterrupted_run(world: World, expected: Log) -> None:
    """Byte for byte once duplicates are left out; in order for every robot."""
    for topic in (CANONICAL, "quality.reports", LETTERS):
        for partition in range(PARTITIONS):
            wanted = by_key(expected.places[(topic, partition)])
            found = by_key(world.log.places[(topic, partition)])
            assert found.keys() == wanted.keys(), f"{topic}/{partition}: other keys"
            for key, values in wanted.items():
                assert found[key] == values, f"{topic}/{partition}: {key!r} has other records"
    told = [
        values
        for part in range(PARTITIONS)
        for values in by_key(expected.places[(EPISODES, part)]).values()
    ]
    assert all(len(values) == 1 for values in told), "episodes: a fact replaces another one"
    wanted_facts = facts(expected)
    sinks_say = ("stored", "sealed")
    found_facts = {k: v for k, v in facts(world.log).items() if k[2] not in sinks_say}
    assert found_facts == wanted_facts, "episodes: other facts"


def by_key(records: list[Any]) -> dict[bytes, list[bytes]]:
    """Values by key, in the order in which each first came."""
    found: dict[bytes, dict[bytes, None]] = defaultdict(dict)
    for record in records:
        found[record.key].setdefault(record.value)
    return {key: list(values) for key, values in found.items()}


def facts(log: Log) -> dict[tuple[str, str, str], bytes]:
    """The last record of each key on `episodes`."""
    found = {}
    for partition in range(PARTITIONS):
        for record in log.places[(EPISODES, partition)]:
            episode, processing, kind = record.key.decode().split("/")
            found[episode, processing, kind] = record.value
    return found


def canonical(log: Log) -> list[CanonicalChunk | Boundary]:
    """Every canonical record, once, in the order in which each first came."""
    return [
        decoded(value)
        for partition in range(PARTITIONS)
        for values in by_key(log.places[(CANONICAL, partition)]).values()
        for value in values
    ]


def once_in_canonical(world: World, chunks: dict[Chunk, RawChunk]) -> None:
    """Every good chunk of the raw log is canonical as one record of the raw log, and no other."""
    origins: dict[Chunk, set[int]] = defaultdict(set)
    for fact in canonical(world.log):
        if isinstance(fact, CanonicalChunk):
            origins[fact.robot, fact.session, fact.sequence].add(fact.source_offset)
    assert not (lost := chunks.keys() - origins.keys()), f"in no canonical record: {lost}"
    assert not (more := origins.keys() - chunks.keys()), f"canonical, but not raw: {more}"
    doubled = {name: found for name, found in origins.items() if len(found) > 1}
    assert not doubled, f"canonical from more than one raw record: {doubled}"


def rows_are_the_chunks(world: World, chunks: dict[Chunk, RawChunk]) -> None:
    rows = Counter(
        (row["robot"], row["session"], row["sequence"])
        for row in world.outside.tables.rows["frames"].values()
    )
    assert not (lost := chunks.keys() - rows.keys()), f"not in ClickHouse: {lost}"
    doubled = {name: n for name, n in rows.items() if n > 1}
    assert not doubled, f"more than one row: {doubled}"
    labels = {
        (fact.robot, fact.session, fact.sequence): fact.episode or ""
        for fact in canonical(world.log)
        if isinstance(fact, CanonicalChunk)
    }
    for row in world.outside.tables.rows["frames"].values():
        name = (row["robot"], row["session"], row["sequence"])
        assert row["episode"] == labels[name], f"{name}: another episode in ClickHouse"


def segments(world: World) -> Iterator[tuple[str, Any, list[tuple[int, int]], bytes]]:
    """Key, region, (frame, sequence) of its rows, and bytes of every segment at rest."""
    for page in obstore.list(world.outside.store, prefix=ROOT):
        for item in page:
            if item["path"].endswith(".parquet"):
                data = bytes(obstore.get(world.outside.store, item["path"]).bytes())
                _, region, frames, _ = pickle.loads(data)
                yield item["path"], region, frames, data


def frames_lie_once_in_the_lake(world: World, chunks: dict[Chunk, RawChunk]) -> None:
    found: Counter[tuple[Chunk, int]] = Counter()
    for _, ((robot, session, _), _, _), frames, _ in segments(world):
        found.update(((robot, session, sequence), frame) for frame, sequence in frames)
    wanted = {
        (name, frame)
        for name, raw in chunks.items()
        for frame in range(raw.first_frame, raw.first_frame + raw.frames)
    }
    assert not (lost := wanted - found.keys()), f"not in object storage: {sorted(lost)[:5]}"
    assert not (more := found.keys() - wanted), f"in object storage, but not raw: {more}"
    doubled = [name for name, n in found.items() if n > 1]
    assert not doubled, f"twice in object storage: {doubled[:5]}"


def sessions_have_ended(world: World) -> None:
    """After forty seconds of silence nothing is open, frames behind their session's end neither."""
    open_: set[tuple[str, str, str | None]] = set()
    for fact in canonical(world.log):
        if not isinstance(fact, Boundary):
            continue
        name = (fact.robot, fact.session, fact.episode)
        if fact.kind in (BoundaryKind.SESSION_START, BoundaryKind.EPISODE_START):
            open_.add(name)
        elif fact.kind in (BoundaryKind.SESSION_END, BoundaryKind.EPISODE_END):
            open_.discard(name)
    assert not open_, f"never ended: {open_}"


def told(world: World) -> dict[tuple[str, str], dict[str, Any]]:
    """What the table of events holds, by episode and processing."""
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row in world.outside.tables.rows["episode_events"].values():
        found[row["episode"], row["processing_id"]][row["kind"]] = row
    return found


def is_complete(kinds: dict[str, Any]) -> bool:
    """The rule of the view `episodes`."""
    if not {"closed", "stored", "sealed"} <= kinds.keys():
        return False
    closed = kinds["closed"]
    whole = closed["missing"] == 0 and closed["cause"] in CLEAN_ENDS
    return whole and closed["frames"] == kinds["stored"]["frames"] == kinds["sealed"]["frames"]


def episodes_are_whole(world: World, *, final: bool = False) -> None:
    """What is complete is there to the last frame; at the end, all that can be is."""
    rows: Counter[tuple[str, str]] = Counter()
    for row in world.outside.tables.rows["frames"].values():
        rows[row["episode"], row["processing_id"]] += row["frames"]
    by_name = {robot.name: robot for robot in world.robots}
    for (episode, processing), kinds in told(world).items():
        if not is_complete(kinds):
            assert not (final and can_be_complete(kinds)), f"{episode}: not complete: {kinds}"
            continue
        frames = kinds["closed"]["frames"]
        assert rows[episode, processing] == frames, f"{episode}: rows are missing"
        manifest = orjson.loads(
            bytes(obstore.get(world.outside.store, kinds["sealed"]["manifest"]).bytes())
        )
        held = 0
        for segment in manifest["segments"]:
            data = bytes(obstore.get(world.outside.store, segment["key"]).bytes())
            held += len(pickle.loads(data)[2])
        assert held == frames, f"{episode}: {held} of {frames} frames in object storage"
        robot = by_name[kinds["closed"]["robot"]]
        tail_is_known(robot, kinds["closed"]["session"], episode, world)


def can_be_complete(kinds: dict[str, Any]) -> bool:
    closed = kinds.get("closed")
    return closed is not None and closed["missing"] == 0 and closed["cause"] in CLEAN_ENDS


def tail_is_known(robot: Any, session: str, episode: str, world: World) -> None:
    """The robot itself said where the episode ends, and all before it has arrived."""
    start = int(episode.rsplit("-", 1)[1])
    spoken = next(each for each in robot.sessions if each.name == session).told
    ends = [s for kind, s, mark in spoken if kind == "mark" and s > start]
    own = [told for _, _, told in raw_records(world) if told.get("session") == session.encode()]
    outside = any(told["kind"] == b"station-mark" for told in own)
    assert ends or outside, f"{episode}: complete, but nobody ended it"
    if outside or not ends:
        return
    wanted = {s for kind, s, _ in spoken if start < s <= ends[0]}
    there = {int(told["sequence"]) for told in own}
    assert wanted <= there, f"{episode}: complete, but of its tail {wanted - there} never came"


def lake_is_that_of_an_undisturbed_sink(world: World, log: Log) -> None:
    """Episodes' objects, byte for byte, beside those of a sink that reads the undisturbed topics.

    Frames between episodes are each there once, but may be cut otherwise: chunks that come late
    there meet segments that a sink which starts again finds at rest.
    """
    with outside(log, log.clock) as made:
        process = SinkProcess("lake", made, world.rng)
        made.groups["lake"].rebalance([process], resolved("lake", PARTITIONS), world.rng)
        while process.behind:
            log.clock.ms += 1_100
            process.turn(400)
        expected = of_episodes(objects(made))
    found = of_episodes(objects(world.outside))
    other = sorted(found.keys() ^ expected.keys())
    assert not other, f"other objects: {other[:6]}"
    for key, data in expected.items():
        assert found[key] == data, f"{key}: other bytes"


def of_episodes(found: dict[str, bytes]) -> dict[str, bytes]:
    """Without what lies between episodes."""
    return {key: data for key, data in found.items() if "/between-" not in key}


def objects(made: Outside) -> dict[str, bytes]:
    """Every object of episodes and between them, by its key."""
    return {
        item["path"]: bytes(obstore.get(made.store, item["path"]).bytes())
        for page in obstore.list(made.store, prefix=ROOT)
        for item in page
    }


def another_processing_stands_beside_the_first(world: World, chunks: dict[Chunk, RawChunk]) -> None:
    """A backfill under a new processing id adds everything once more, and changes nothing."""
    rows, before = dict(world.outside.tables.rows["frames"]), objects(world.outside)
    for place in RAW_PLACES:
        records = world.log.places[place]
        _, folded = process_fold(empty_partition(*place, PARTITIONS), records, processors(2))
        for output in folded.outputs:
            world.log.append(output.topic, output.partition, output.key, output.value)
    world.rest()
    rows_now, after = world.outside.tables.rows["frames"], objects(world.outside)
    assert rows.items() <= rows_now.items(), "a backfill changed rows"
    assert before.items() <= after.items(), "a backfill changed objects"
    ids = {row["processing_id"] for row in rows.values()}
    added = Counter(
        (row["robot"], row["session"], row["sequence"])
        for row in rows_now.values()
        if row["processing_id"] not in ids
    )
    assert added.keys() >= chunks.keys(), "a backfill's rows are missing"
    assert max(added.values()) == 1, "a backfill's rows are doubled"
    found = Counter(
        (name, frame)
        for _, ((robot, session, processing), _, _), frames, _ in segments(world)
        if processing not in ids
        for frame, sequence in frames
        if (name := (robot, session, sequence)) in chunks
    )
    wanted = sum(raw.frames for raw in chunks.values())
    assert len(found) == wanted, f"a backfill put {len(found)} of {wanted} frames"
    assert max(found.values()) == 1, "a backfill's frames are doubled"
