"""Whether what a processing would make of a session is what lies in the lake already."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields

import numpy as np
from obstore.store import ObjectStore

from schemas.canonical import CanonicalChunk
from sinks.lake.keys import ROOT
from sinks.lake.read import read_chunks
from sinks.objects import list_keys


@dataclass
class Stored:
    """A session as one processing left it in the lake: a hash of each chunk, by sequence."""

    chunks: dict[int, bytes]
    frames: int = 0
    different: list[int] = field(default_factory=list)
    missing: int = 0

    def meet(self, made: CanonicalChunk) -> None:
        """Compare a chunk that was made now; each may be met once."""
        there = self.chunks.pop(made.sequence, None)
        self.frames += made.frames
        if there is None:
            self.missing += 1
        elif there != digest_of(made):
            self.different.append(made.sequence)

    def rest(self) -> None:
        """All was met: what is left would not be made now."""
        self.different += self.chunks


def stored_session(
    store: ObjectStore, processing_id: str, robot: str, session: str
) -> Stored | None:
    """What lies of a session; None where nothing does."""
    folder = f"{ROOT}/{processing_id}/{robot}/{session}"
    if next(list_keys(store, folder), None) is None:
        return None
    return Stored({chunk.sequence: digest_of(chunk) for chunk in read_chunks(store, folder)})


def digest_of(chunk: CanonicalChunk) -> bytes:
    """A hash of all that is stored of a chunk, bit for bit."""
    told = hashlib.sha256()
    for part in fields(chunk):
        value = getattr(chunk, part.name)
        if part.name == "angle_velocity":
            continue
        if part.name in ("angle_status", "segment_status"):
            value = chunk.rows(value)
        if isinstance(value, np.ndarray):
            told.update(f"{part.name}:{value.dtype.str}:{value.shape};".encode())
            told.update(np.ascontiguousarray(value).tobytes())
        else:
            told.update(f"{part.name}={value!r};".encode())
    return told.digest()
