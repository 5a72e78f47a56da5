"""Named places in our processes where a test may kill or stop them; nothing of it is in their code.

A folder with `sitecustomize.py` on PYTHONPATH makes every Python process of a chaos run call
`install`: it wraps the functions below as their modules are imported. A process that comes to a
point looks for the file `<folder>/<its pid>`; where that names the point, it takes the file away
and sends itself the signal written there. The file's disappearance is how the test knows.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = "KINEBUS_CRASH_POINTS"
"""The environment variable that names the folder; without it nothing is wrapped."""


@dataclass(frozen=True)
class Place:
    """A function, and what to call the moments before and after it.

    `only` says from the arguments whether a call counts.
    """

    module: str
    function: str
    name: str
    only: Callable[..., bool] = lambda *_, **__: True


def _snapshots(_self: Any, outputs: Sequence[Any], *_: Any) -> bool:
    return bool(outputs) and outputs[0].topic == "streams.state"


def _outputs(_self: Any, outputs: Sequence[Any], *_: Any) -> bool:
    return bool(outputs) and outputs[0].topic != "streams.state"


PLACES = {
    "worker": (
        Place("streams.publisher", "Publisher.publish", "outputs", _outputs),
        Place("streams.publisher", "Publisher.publish", "snapshot", _snapshots),
        Place("streams.ledger", "Ledger.acknowledge", "acknowledge"),
        Place("streams.folding", "FoldingConsumer._commit", "commit"),
    ),
    "sink-clickhouse": (
        Place("sinks.clickhouse.sink", "ClickHouseSink._insert", "insert"),
        Place("sinks.clickhouse.sink", "ClickHouseSink._count", "count"),
        Place("sinks.announce", "Announcer.send", "announce", lambda _, events: bool(events)),
        Place("sinks.follow", "Follower._send_commit", "commit"),
    ),
    "sink-lake": (
        Place("sinks.lake.sink", "put_segment", "segment"),
        Place("sinks.lake.sink", "put_manifest", "manifest"),
        Place("sinks.archive.writer", "put_once", "boundaries"),
        Place("sinks.announce", "Announcer.send", "announce", lambda _, events: bool(events)),
        Place("sinks.follow", "Follower._send_commit", "commit"),
    ),
    "sink-archive": (
        Place("sinks.archive.writer", "put_once", "put"),
        Place("sinks.follow", "Follower._send_commit", "commit"),
    ),
    "clickhouse": (Place("deploy.clickhouse.engine", "Engine.insert", "insert"),),
    "robots": (
        Place("producers.sdk.spool", "Spool.append", "append"),
        Place("producers.sdk.spool", "Spool.acknowledge", "truncate"),
        Place("producers.sdk.link", "Link.produce", "put"),
    ),
}
"""Program (a process's name without its number) -> its places."""


def points(program: str) -> tuple[str, ...]:
    """The names of a program's points: each place has one before and one behind it."""
    return tuple(
        f"{place.name}.{when}" for place in PLACES.get(program, ()) for when in ("before", "after")
    )


def arm(folder: Path, pid: int, point: str, signum: int) -> None:
    """Let a process send itself a signal when it next comes to a point."""
    draft = folder / f"{pid}.new"
    draft.write_text(f"{point} {signum}")
    draft.replace(folder / str(pid))


def disarm(folder: Path, pid: int) -> bool:
    """Take it back; False where the process has come there already."""
    try:
        (folder / str(pid)).unlink()
    except FileNotFoundError:
        return False
    return True


def reach(folder: str, point: str) -> None:
    """What a wrapped function calls at a point."""
    file = f"{folder}/{os.getpid()}"
    try:
        with open(file) as armed:  # noqa: PTH123 (called on every fold)
            wanted, _, signum = armed.read().partition(" ")
        if wanted == point:
            os.unlink(file)  # noqa: PTH108
            os.kill(os.getpid(), int(signum))
    except FileNotFoundError:
        return


def install() -> None:
    """Wrap the places of every module that is imported from now on."""
    folder = os.environ.get(FOLDER)
    if folder:
        by_module: dict[str, dict[tuple[str, str], Place]] = {}
        for places in PLACES.values():
            for place in places:
                by_module.setdefault(place.module, {})[place.function, place.name] = place
        wanted = {name: list(places.values()) for name, places in by_module.items()}
        sys.meta_path.insert(0, _Finder(folder, wanted))


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, folder: str, wanted: dict[str, list[Place]]) -> None:
        self._folder = folder
        self._wanted = wanted

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self._wanted:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        loader: Any = spec.loader if spec else None
        if loader is None:
            return None
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            for place in self._wanted[name]:
                _wrap(module, place, self._folder)

        loader.exec_module = exec_module
        return spec


def _wrap(module: ModuleType, place: Place, folder: str) -> None:
    owner: Any = module
    *parents, name = place.function.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    function = getattr(owner, name)
    before, after = f"{place.name}.before", f"{place.name}.after"

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not place.only(*args, **kwargs):
            return function(*args, **kwargs)
        reach(folder, before)
        result = function(*args, **kwargs)
        reach(folder, after)
        return result

    @functools.wraps(function)
    async def wrapped_coroutine(*args: Any, **kwargs: Any) -> Any:
        if not place.only(*args, **kwargs):
            return await function(*args, **kwargs)
        reach(folder, before)
        result = await function(*args, **kwargs)
        reach(folder, after)
        return result

    setattr(owner, name, wrapped_coroutine if inspect.iscoroutinefunction(function) else wrapped)
