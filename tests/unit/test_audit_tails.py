"""What is on its way to a store is known without reading any record twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.audit.tails import CLICKHOUSE_SINK, LAKE_SINK, Tails
from schemas.canonical import BoundaryKind, encode_boundary, encode_chunk
from schemas.topics import CANONICAL_FRAMES
from tests.canonical_make import PROCESSING, boundary, chunk

PLACE = (CANONICAL_FRAMES, 0)
EPISODE = "01ARZ3NDEKTSV4RRFFQ69G5FAV-0000000000"


class Message:
    def __init__(self, offset: int, value: bytes) -> None:
        self._offset, self._value = offset, value

    def topic(self) -> str:
        return CANONICAL_FRAMES

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes:
        return self._value


class Log:
    """A partition of canonical frames, and what of it was read."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.at = {CLICKHOUSE_SINK: 0, LAKE_SINK: 0}
        self.read_offsets: list[int] = []
        self.breaks_at: int | None = None

    def places(self, _prefix: str) -> list[tuple[str, int]]:
        return [PLACE]

    def watermarks(self, places: list[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
        return {place: (0, len(self.values)) for place in places}

    def committed(self, group: str, places: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(places, self.at[group])

    def read(self, spans: dict[tuple[str, int], tuple[int, int]]) -> Iterator[Message]:
        for offset in range(*spans[PLACE]):
            if offset == self.breaks_at:
                raise TimeoutError("the broker gave nothing")
            self.read_offsets.append(offset)
            yield Message(offset, self.values[offset])


def log(chunks: int) -> Log:
    made = Log()
    made.values = [encode_chunk(chunk(i, 5 * i, 5, None, "fourier/r1")) for i in range(chunks)]
    return made


def origins(tails: Tails, reader: Log) -> tuple[list[int], list[int]]:
    """Sequences on their way to ClickHouse and to the lake."""
    to_clickhouse, to_lake = tails.read(reader)
    return [o for _, _, o in to_clickhouse.origins], [o for _, _, o in to_lake.origins]


def test_every_record_is_read_once_and_told_until_it_is_committed() -> None:
    reader, tails = log(4), Tails()
    first = chunk(0, 0, 5, None).source_offset
    assert origins(tails, reader) == ([*range(first, first + 4)], [*range(first, first + 4)])
    reader.values += log(6).values[4:]
    reader.at = {CLICKHOUSE_SINK: 5, LAKE_SINK: 2}
    assert origins(tails, reader) == ([first + 5], [*range(first + 2, first + 6)])
    reader.at[LAKE_SINK] = 6
    assert origins(tails, reader) == ([first + 5], [])
    assert reader.read_offsets == [*range(6)]


def test_an_episode_whose_end_is_on_its_way_is_named() -> None:
    reader, tails = log(1), Tails()
    reader.values.append(encode_boundary(boundary(BoundaryKind.EPISODE_END, 1, EPISODE, 5)))
    assert tails.read(reader)[1].episodes == {(EPISODE, PROCESSING)}
    reader.at = {CLICKHOUSE_SINK: 2, LAKE_SINK: 1}
    to_clickhouse, to_lake = tails.read(reader)
    assert (to_clickhouse.episodes, to_lake.episodes) == (set(), {(EPISODE, PROCESSING)})


def test_a_reading_that_is_broken_off_is_done_again() -> None:
    reader, tails = log(6), Tails()
    first = chunk(0, 0, 5, None).source_offset
    reader.breaks_at = 3
    with pytest.raises(TimeoutError):
        tails.read(reader)
    reader.breaks_at = None
    assert origins(tails, reader)[0] == [*range(first, first + 6)]


def test_a_topic_that_was_made_anew_is_read_from_its_beginning() -> None:
    reader, tails = log(6), Tails()
    tails.read(reader)
    reader.values = reader.values[:2]
    first = chunk(0, 0, 5, None).source_offset
    assert origins(tails, reader)[1] == [first, first + 1]
