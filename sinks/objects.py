"""Object storage as sinks use it: put once, never over; a folder and S3 alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    NotSupportedError,
    PreconditionError,
    UnknownConfigurationKeyError,
)
from obstore.store import LocalStore, ObjectStore, from_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

# An answer of the store that asking again does not change.
_FINAL = (
    FileNotFoundError,
    InvalidPathError,
    NotSupportedError,
    UnknownConfigurationKeyError,
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it lies in the store."""

    key: str
    bytes: int
    sha256: str
    created: bool
    """Whether this very put made it; False where it was there before."""


def open_store(url: str) -> ObjectStore:
    """The store of a URL: `file:///data/lake`, a plain path, `s3://bucket/prefix` and the like.

    Credentials and endpoint of S3 come from the usual AWS_* variables.
    """
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return LocalStore(Path(parts.path), mkdir=True)
    options: ClientConfig = {"timeout": "30s", "connect_timeout": "5s", "allow_http": True}
    # Waiting is the sink's own business: a short attempt keeps it a living group member.
    retry: RetryConfig = {"max_retries": 2}
    return from_url(url, client_options=options, retry_config=retry)


def put_once(store: ObjectStore, key: str, data: bytes) -> Stored:
    """Put an object unless its key is taken; whatever then lies there is what counts."""
    try:
        obstore.put(store, key, data, mode="create", use_multipart=False)
    except (AlreadyExistsError, PreconditionError):
        return _found(store, key)
    except BaseError:
        # A server may hang up on a body that it will not take, before it says why.
        if not _is_there(store, key):
            raise
        return _found(store, key)
    return Stored(key, len(data), digest(data), created=True)


def _found(store: ObjectStore, key: str) -> Stored:
    there = read_object(store, key)
    return Stored(key, len(there), digest(there), created=False)


def _is_there(store: ObjectStore, key: str) -> bool:
    try:
        obstore.head(store, key)
    except (BaseError, OSError):
        return False
    return True


def read_object(store: ObjectStore, key: str) -> bytes:
    """An object's bytes; FileNotFoundError where there is none."""
    return bytes(obstore.get(store, key).bytes())


def list_keys(store: ObjectStore, prefix: str) -> Iterator[tuple[str, int]]:
    """Keys below a prefix with their sizes, in no order."""
    for page in obstore.list(store, prefix=prefix):
        for item in page:
            yield item["path"], item["size"]


def digest(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def store_may_recover(error: BaseException) -> bool:
    """Whether a store's error may pass: it is away, slow, full, or will not let us in yet."""
    return isinstance(error, (BaseError, OSError)) and not isinstance(error, _FINAL)
