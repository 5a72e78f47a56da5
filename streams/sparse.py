"""Fields of a message whose frames hold only the devices that answered, keyed by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.profile import Profile
from streams.layout import PRESENT, Fields, ShapeError, sparse_field

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answer:
    """A signal of the devices: the list of a frame that holds it, and its name there."""

    entries: str
    field: str
    out: str
    is_position: bool


@dataclass(frozen=True)
class SparseReader:
    """A sparse profile, made ready.

    Attributes:
        frames: field of the message that lists its frames.
        id: field of an entry that names its device.
        column: channel of each device.
        answers: the signals.
        clock: field of a frame that holds its stamp, where there is one.
    """

    frames: str
    id: str
    column: Mapping[Any, int]
    answers: tuple[Answer, ...]
    clock: str | None

    def fields(self, message: Mapping[str, Any], frames: int) -> Fields:
        """Arrays [T, C] by field name; NaN where a device did not answer.

        The last entry of a device in a frame counts; the raw record keeps them all.
        """
        rows: Sequence[Mapping[str, Any]] = message[self.frames]
        if len(rows) != frames:
            raise ShapeError(f"{len(rows)} frames in the value, {frames} in the envelope")
        shape = (frames, len(self.column))
        present = np.zeros(shape, bool)
        out: dict[str, npt.NDArray[Any]] = {PRESENT: present}
        said: dict[str, tuple[list[Mapping[str, Any]], I64]] = {}
        for answer in self.answers:
            if answer.entries not in said:
                said[answer.entries] = self._entries(rows, answer.entries)
            entries, places = said[answer.entries]
            values = [entry[answer.field] for entry in entries]
            if None in values:
                known = [i for i, value in enumerate(values) if value is not None]
                values, places = [values[i] for i in known], places[known]
            table = out[answer.out] = np.full(shape, np.nan)
            table.reshape(-1)[places] = values
            if answer.is_position:
                present.reshape(-1)[places] = True
        if self.clock is not None:
            out[self.clock] = np.array([[row[self.clock]] for row in rows])
        return out

    def _entries(
        self, rows: Sequence[Mapping[str, Any]], name: str
    ) -> tuple[list[Mapping[str, Any]], I64]:
        """All entries of a list, and where each stands in a table [T, C] laid flat."""
        entries = [entry for row in rows for entry in row[name]]
        counts = [len(row[name]) for row in rows]
        try:
            columns = [self.column[entry[self.id]] for entry in entries]
        except KeyError:
            strange = next(e[self.id] for e in entries if e[self.id] not in self.column)
            raise ShapeError(f"device {strange} is not in the profile") from None
        frame = np.repeat(np.arange(len(rows)), counts)
        return entries, frame * len(self.column) + np.array(columns, np.int64)


def compile_sparse(profile: Profile) -> SparseReader | None:
    """Make a sparse profile ready to read; None for one of another layout."""
    sparse = profile.sparse
    if sparse is None:
        return None
    numbers = [number for group in profile.groups for number in group.ids]
    positions = {group.position for group in profile.groups}
    sources = {source for group in profile.groups for source in group.sources if source}
    answers = [
        Answer(
            source.entries or sparse.entries,
            source.field,
            sparse_field(source),
            source in positions,
        )
        for source in sources
    ]
    return SparseReader(
        sparse.frames,
        sparse.id,
        {number: i for i, number in enumerate(numbers)},
        tuple(sorted(answers, key=lambda answer: answer.out)),
        profile.clock.field,
    )
