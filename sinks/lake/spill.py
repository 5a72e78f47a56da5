"""Keeps slices of open segments on the local disk when there are more than memory should hold.

What is open follows from the log alone, so that every run makes the same objects; how much of it
lies in memory does not matter to them. The files are of no use to anyone else: what a process that
was killed leaves behind is removed by the next, which reads the log again.
"""

from __future__ import annotations

import shutil
import struct
import weakref
from itertools import count
from pathlib import Path

from schemas.canonical import CanonicalChunk, decode_canonical, encode_chunk
from sinks.lake.segment import Segment, Slice
from sinks.patience import Patience

_HEAD = struct.Struct("<IHH")
"""Bytes of the encoded chunk that follows, and the slice's start and stop in it."""


class SpilledSlices:
    """Slices in a file, which goes when nobody needs them any more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        weakref.finalize(self, path.unlink, missing_ok=True)

    def read(self) -> list[Slice]:
        """The slices, as they were."""
        data = self._path.read_bytes()
        at, found = 0, []
        while at < len(data):
            size, start, stop = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            chunk = decode_canonical(data[at : at + size])
            assert isinstance(chunk, CanonicalChunk)
            found.append(Slice(chunk, start, stop))
            at += size
        return found


class Spill:
    """A folder of one process, emptied when it begins."""

    def __init__(self, folder: Path, patience: Patience) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder = folder
        self._patience = patience
        self._names = count()

    def __call__(self, segment: Segment) -> None:
        """Take all of a segment's slices out of memory but the first, which names it."""
        rest = segment.slices[1:]
        if rest:
            spilled = self._patience.attempt(
                f"room in {self._folder}", lambda: self._write(rest), _is_disk_error
            )
            segment.spilled.append(spilled)
            del segment.slices[1:]
            segment.bytes = segment.first_bytes

    def _write(self, slices: list[Slice]) -> SpilledSlices:
        path = self._folder / f"{next(self._names):08d}"
        try:
            with path.open("wb") as file:
                for piece in slices:
                    value = encode_chunk(piece.chunk)
                    file.write(_HEAD.pack(len(value), piece.start, piece.stop))
                    file.write(value)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return SpilledSlices(path)


def _is_disk_error(error: BaseException) -> bool:
    return isinstance(error, OSError)
