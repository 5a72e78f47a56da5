"""A data set is there whole or not at all: built aside, its manifest last.

In a folder the finished whole takes its name in one step. In an object store, which has no such
step, every object is put only if it is not there, and `meta/kinebus.json`, which lists them all by
hash, comes last: a data set without it is not finished, and the same command finishes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import obstore
import orjson
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import ObjectStore

from sinks.datasets.plan import ExportError
from sinks.objects import digest, list_keys, read_object

MANIFEST = "meta/kinebus.json"
_PLAN = ".plan"


@contextmanager
def built_aside(place: Path, plan: str) -> Iterator[Path]:
    """A folder to build in, beside the place; what an equal plan left there is still there.

    Args:
        place: where the data set will be; must be absent or an empty folder.
        plan: a digest of all that decides the data set's bytes.
    """
    require_empty(place)
    aside = place.with_name(place.name + ".building")
    aside.mkdir(parents=True, exist_ok=True)
    with (aside.parent / f"{aside.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ExportError(f"another export is building {place} right now") from None
        try:
            kept = aside / _PLAN
            if not kept.exists() or kept.read_text() != plan:
                shutil.rmtree(aside)
                aside.mkdir()
                kept.write_text(plan)
            yield aside
        finally:
            Path(lock.name).unlink(missing_ok=True)


def finish(aside: Path, place: Path, told: dict[str, Any]) -> None:
    """Write the manifest and give the folder its name."""
    (aside / _PLAN).unlink()
    write_manifest(aside, told)
    if place.exists():
        place.rmdir()
    aside.rename(place)


def write_manifest(folder: Path, told: dict[str, Any]) -> None:
    """List every file below a folder with its size and SHA-256, beside what is told."""
    files = [
        {"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size,
         "sha256": _digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]  # fmt: skip
    target = folder / MANIFEST
    target.parent.mkdir(parents=True, exist_ok=True)
    document = {**told, "files": files}
    target.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def require_empty(place: Path) -> None:
    """ExportError where something is in the way."""
    if place.is_dir() and not any(place.iterdir()):
        return
    if place.exists():
        raise ExportError(f"{place} is there already; name another --out, or remove it")


def require_unfinished(store: ObjectStore, url: str) -> None:
    """ExportError where a finished data set lies in the store already."""
    if any(key == MANIFEST for key, _ in list_keys(store, "meta")):
        raise ExportError(f"{url} holds a data set already; name another --out")


def upload(folder: Path, store: ObjectStore, done: Callable[[int], None]) -> None:
    """Put a finished folder's files, the manifest last; ExportError where others lie there."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    keys = {path.relative_to(folder).as_posix(): path for path in files}
    ordered = [key for key in keys if key != MANIFEST] + [MANIFEST]
    for count, key in enumerate(ordered, 1):
        try:
            obstore.put(store, key, keys[key], mode="create", use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            if digest(read_object(store, key)) != _digest(keys[key]):
                raise ExportError(
                    f"{key} is in the store already, with other bytes; name another --out"
                ) from None
        done(count)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
