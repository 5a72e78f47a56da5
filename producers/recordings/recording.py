"""What a recording is, and what its reader gives: chunks in the vendor's own form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.limits import MAX_FRAMES

CHUNK_SECONDS = 0.1


class RecordingError(ValueError):
    """A file that is not what its vendor's reader expects; the message names it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded take of one robot.

    Attributes:
        vendor: whose profile and reader explain it.
        path: the file.
        serial: stands for the robot's serial number, since no maker writes one into its files.
        rate_hz: mean rate of its frames, None to use the profile's.
    """

    vendor: str
    path: Path
    serial: str
    rate_hz: float | None = None

    @property
    def robot(self) -> str:
        """The robot's name in kinebus."""
        return f"{self.vendor}/{self.serial}"


@dataclass(frozen=True, slots=True)
class RecordedChunk:
    """Frames that belong together.

    Attributes:
        value: what the vendor's schema encodes; numbers as they stand in the file.
        frames: how many.
        end_s: time of the last frame since the recording's first, by the file's own clock.
    """

    value: dict[str, Any]
    frames: int
    end_s: float


@dataclass(frozen=True, slots=True)
class Take:
    """An opened recording: its task as the maker names it, its length, its chunks."""

    task: str | None
    frames: int
    chunks: Iterator[RecordedChunk]


def frames_per_chunk(rate_hz: float, seconds: float = CHUNK_SECONDS) -> int:
    """Frames that fill a chunk's time at a rate: at least 1, at most 64."""
    return max(1, min(MAX_FRAMES, round(rate_hz * seconds)))


def spans(frames: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut a length into [start, stop) pieces of a size; the last may be shorter."""
    return ((start, min(start + size, frames)) for start in range(0, frames, size))
