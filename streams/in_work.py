"""Says on disk which record is in work, before it is worked on.

No handler of ours runs when a decoder's native code ends the process, or the kernel does. The note
lies in a mapped file: writing it costs a fraction of a microsecond, and it outlives the process.

Whoever kills a worker kills it in the middle of some record; that says nothing about the record.
An end counts against it where it was the process's own: an error or a standstill (both say so in
the note), a fatal signal (faulthandler has left its traceback in a file of ours), or the kernel's,
which was out of memory (it counts whom it ends).
"""

from __future__ import annotations

import mmap
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import structlog

from streams.records import RawRecord

SIZE = 512
VMSTAT = Path("/proc/vmstat")
_IN_WORK, _OWN_END = 0, 1
_OFFSET_AT = 8
_PLACE_AT = 16
_PLACE = struct.Struct("<iH")
_LONG = struct.Struct("<q")
_WORDS_AT = _PLACE_AT + _PLACE.size
_OOM_KILLS_AT = SIZE - _LONG.size

log = structlog.get_logger()

R = TypeVar("R", bound=RawRecord)


class InWork:
    """The note of one worker.

    Attributes:
        left: topic, partition and offset of the record that the process before left in work when it
            ended by itself.
        fatal: where faulthandler is to write.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.truncate(SIZE)
            self._note = mmap.mmap(file.fileno(), SIZE)
        self.fatal = path.with_suffix(".fatal").open("a+")
        self.left = self._read() if self._ended_by_itself() else None
        if self.left is None and self._read() is not None:
            log.warning("the process before was killed in the middle of a record", at=self._read())
        self.fatal.truncate(0)
        self._note[_OWN_END] = 0
        _LONG.pack_into(self._note, _OOM_KILLS_AT, oom_kills())
        self.clear()

    def blame(self) -> None:
        """The process is about to end because of what is in work, if anything is."""
        self._note[_OWN_END] = 1

    def _ended_by_itself(self) -> bool:
        self.fatal.seek(0)
        traceback = self.fatal.read()
        sys.stderr.write(traceback)
        noted = _LONG.unpack_from(self._note, _OOM_KILLS_AT)[0]
        return bool(traceback) or self._note[_OWN_END] == 1 or oom_kills() > noted

    def each(self, records: Iterable[R]) -> Iterator[R]:
        """The records, each noted before it is given out; at the end the last one stays noted."""
        note, place = self._note, None
        for record in records:
            if place is None:
                place = (record.topic, record.partition)
                words = record.topic.encode()
                note[_IN_WORK] = 0
                _PLACE.pack_into(note, _PLACE_AT, record.partition, len(words))
                note[_WORDS_AT : _WORDS_AT + len(words)] = words
            _LONG.pack_into(note, _OFFSET_AT, record.offset)
            note[_IN_WORK] = 1
            yield record

    def clear(self) -> None:
        """Nothing is in work."""
        self._note[_IN_WORK] = 0

    def _read(self) -> tuple[str, int, int] | None:
        if self._note[_IN_WORK] != 1:
            return None
        partition, length = _PLACE.unpack_from(self._note, _PLACE_AT)
        words = self._note[_WORDS_AT : _WORDS_AT + length]
        return words.decode(), partition, _LONG.unpack_from(self._note, _OFFSET_AT)[0]


def oom_kills() -> int:
    """How many processes the kernel has ended since it started because memory ran out."""
    try:
        lines = VMSTAT.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
