"""`kinebus subscribe`: follow a topic, in any robot's joints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import orjson
import typer
from confluent_kafka import KafkaException

from deploy.cli.out import Exit, fail, say
from deploy.cli.where import AsJson, Home, attached
from schemas.codec import CodecError
from schemas.embodiment import EmbodimentError, load_embodiment
from schemas.events import decode_dead_letter, decode_event, decode_report
from schemas.retargeted import decode_retargeted
from schemas.settings import Settings
from schemas.topics import (
    CANONICAL_FRAMES,
    DEAD_LETTER_PREFIX,
    EPISODES,
    QUALITY_REPORTS,
    RETARGETED_PREFIX,
)
from schemas.vendors import load_vendors
from sinks.catalogue import show_episode
from sinks.clickhouse.client import connect
from sinks.subscribe import Batch, follow
from sinks.topic_reader import Start, read
from sinks.where.read import read_where
from sinks.where.words import WhereError
from streams.retarget_plan import compile_target

Decode = Callable[[bytes], Any]


def subscribe(
    topic: Annotated[
        str,
        typer.Argument(
            help="canonical.frames, retargeted.EMBODIMENT, quality.reports, episodes, "
            "dead-letter.VENDOR"
        ),
    ] = CANONICAL_FRAMES,
    target: Annotated[
        str | None, typer.Option("--as", help="In the joints of this embodiment.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(help="Which frames, such as \"vendor = 'unitree' and task like 'fold%'\"."),
    ] = None,
    start: Annotated[
        str,
        typer.Option("--from", help="now, beginning, an ISO time, or an episode's id."),
    ] = "now",
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many batches.")] = None,
    npz: Annotated[
        Path | None, typer.Option(help="Write each batch as an .npz into this folder.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Follow a topic: a line a batch, whole batches with --json or --npz."""
    settings = attached(home)
    if topic != CANONICAL_FRAMES and (target or where) is not None:
        fail(f"--as and --where go with {CANONICAL_FRAMES} alone", Exit.USAGE)
    try:
        plan = None if target is None else compile_target(load_embodiment(target))
    except EmbodimentError as error:
        fail(str(error), Exit.USAGE)
    begin = _start(start, settings)
    try:
        if topic == CANONICAL_FRAMES:
            batches = follow(
                settings.require_kafka(), load_vendors(settings.profiles_dir), begin,
                where=None if where is None else read_where(where), target=plan,
            )  # fmt: skip
            _print_batches(batches, count, npz, as_json)
        else:
            _print_records(settings, topic, begin, count)
    except WhereError as error:
        fail(str(error), Exit.USAGE)
    except LookupError as error:
        fail(str(error))
    except KafkaException as error:
        fail(f"the broker: {error.args[0].str()}")
    except BrokenPipeError:
        sys.stderr.close()


def _print_batches(
    batches: Iterator[Batch], count: int | None, npz: Path | None, as_json: bool
) -> None:
    if npz is not None:
        npz.mkdir(parents=True, exist_ok=True)
    for number, batch in enumerate(batches, 1):
        chunk = batch.chunk
        if npz is not None:
            name = f"{chunk.robot.replace('/', '-')}-{chunk.session}-{chunk.sequence:010d}.npz"
            np.savez(npz / name, **_arrays(batch))
        if as_json:
            print(orjson.dumps(_document(batch), option=orjson.OPT_SERIALIZE_NUMPY).decode())
        else:
            print(
                f"{chunk.robot} {chunk.sequence} frames {chunk.first_frame}–"
                f"{chunk.first_frame + chunk.frames - 1} episode {chunk.episode or '–'} "
                f"{len(batch.joint_names)} joints"
            )
        if count is not None and number >= count:
            return


def _arrays(batch: Batch) -> dict[str, Any]:
    """What `kinebus retarget` and `canonicalise` call these arrays, too."""
    return {
        "joint_names": np.array(batch.joint_names),
        "position_rad": batch.position_rad,
        "t_ns": batch.chunk.t_ns,
        "angle": batch.chunk.angle,
        "residual_pct": batch.residual_pct,
        "residual_rad": batch.residual_rad,
        "reachable": batch.reachable,
    }


def _document(batch: Batch) -> dict[str, Any]:
    chunk = batch.chunk
    told = ("robot", "session", "sequence", "first_frame", "episode", "embodiment", "profile")
    arrays = {name: np.ascontiguousarray(values) for name, values in _arrays(batch).items()
              if name != "joint_names"}  # fmt: skip
    own = {name: getattr(chunk, name) for name in told}
    return {**own, "joint_names": batch.joint_names, **arrays}


def _print_records(settings: Settings, topic: str, start: Start, count: int | None) -> None:
    decode = _decoder(topic)
    for number, record in enumerate(read(settings.require_kafka(), {topic: start}), 1):
        if record.value is not None:
            try:
                told = orjson.dumps(decode(record.value), _plain, orjson.OPT_SERIALIZE_NUMPY)
                print(told.decode())
            except CodecError as error:
                print(f"{record.place}@{record.offset}: {error}", file=sys.stderr)
        if count is not None and number >= count:
            return


def _decoder(topic: str) -> Decode:
    decode: Decode
    match topic:
        case _ if topic == EPISODES:
            decode = decode_event
        case _ if topic == QUALITY_REPORTS:
            decode = decode_report
        case _ if topic.startswith(DEAD_LETTER_PREFIX):
            decode = decode_dead_letter
        case _ if topic.startswith(RETARGETED_PREFIX):
            decode = decode_retargeted
        case _:
            known = (CANONICAL_FRAMES, EPISODES, QUALITY_REPORTS, f"{DEAD_LETTER_PREFIX}VENDOR",
                     f"{RETARGETED_PREFIX}EMBODIMENT")  # fmt: skip
            fail(
                f"{topic!r} is none of {', '.join(known)}; raw bytes are for kcat and the like",
                Exit.USAGE,
            )
    return lambda value: asdict(decode(value))


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def _ms(text: str) -> int:
    """An ISO 8601 time as Unix ms; UTC where it names no offset. ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def _start(text: str, settings: Settings) -> Start:
    if text == "now":
        return Start.now()
    if text == "beginning":
        return Start(beginning=True)
    try:
        return Start.at(_ms(text))
    except ValueError:
        pass
    client = connect(settings.require_clickhouse(), settings.clickhouse_database)
    try:
        detail = show_episode(client, None, text)
    finally:
        client.close()
    opened = next((e for e in detail.events if e["kind"] == "opened"), None) if detail else None
    if opened is None:
        fail(f"--from {text!r} is neither now, beginning, an ISO time nor an episode", Exit.USAGE)
    say(f"from the log time of {text}'s start")
    return Start.at(int(opened["log_ms"]))
