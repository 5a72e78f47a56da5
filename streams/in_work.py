"""Says on disk which record is in work, before it is worked on.

No handler of ours runs when a decoder's native code ends the process, or the kernel does. The note
lies in a mapped file: writing it costs a fraction of a microsecond, and it outlives the process.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from streams.records import RawRecord

SIZE = 512
_OFFSET_AT = 8
_PLACE_AT = 16
_PLACE = struct.Struct("<iH")
_LONG = struct.Struct("<q")
_WORDS_AT = _PLACE_AT + _PLACE.size

R = TypeVar("R", bound=RawRecord)


class InWork:
    """The note of one worker.

    Attributes:
        left: topic, partition and offset of the record that the process before left in work.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.truncate(SIZE)
            self._note = mmap.mmap(file.fileno(), SIZE)
        self.left = self._read()
        self.clear()

    def each(self, records: Iterable[R]) -> Iterator[R]:
        """The records, each noted before it is given out; at the end the last one stays noted."""
        note, place = self._note, None
        for record in records:
            if place is None:
                place = (record.topic, record.partition)
                words = record.topic.encode()
                note[0] = 0
                _PLACE.pack_into(note, _PLACE_AT, record.partition, len(words))
                note[_WORDS_AT : _WORDS_AT + len(words)] = words
            _LONG.pack_into(note, _OFFSET_AT, record.offset)
            note[0] = 1
            yield record

    def clear(self) -> None:
        """Nothing is in work."""
        self._note[0] = 0

    def _read(self) -> tuple[str, int, int] | None:
        if self._note[0] != 1:
            return None
        partition, length = _PLACE.unpack_from(self._note, _PLACE_AT)
        words = self._note[_WORDS_AT : _WORDS_AT + length]
        return words.decode(), partition, _LONG.unpack_from(self._note, _OFFSET_AT)[0]
