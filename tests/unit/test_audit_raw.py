"""The raw log is read whole though the topics' retention goes on while it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.audit import collect
from deploy.audit.raw import RawBuilder
from schemas.envelope import tick_headers

PLACE = ("raw.fourier", 0)


class Message:
    def __init__(self, offset: int) -> None:
        self._offset = offset

    def topic(self) -> str:
        return PLACE[0]

    def partition(self) -> int:
        return PLACE[1]

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 2, self._offset

    def headers(self) -> Any:
        return tick_headers(1)

    def value(self) -> bytes:
        return b""


class Reader:
    """A topic that gives these offsets, whatever it said of its first one."""

    def __init__(self, low: int, gives: list[int]) -> None:
        self._low, self._gives = low, gives

    def watermarks(self, places: Any) -> dict[tuple[str, int], tuple[int, int]]:
        return dict.fromkeys(places, (self._low, 10))

    def read(self, _spans: Any) -> Iterator[Message]:
        yield from map(Message, self._gives)


@pytest.mark.parametrize(
    ("gives", "asked"),
    [
        ([2, 3, 4, 5, 6, 7, 8, 9], [(0, 2)]),
        ([5, 6, 7, 8, 9], [(0, 2), (2, 5)]),
        ([2, 3, 7, 8, 9], [(0, 2), (4, 7)]),
        ([], [(0, 2), (2, 10)]),
    ],
)
def test_what_the_topic_drops_while_it_is_read_comes_from_the_archive(
    monkeypatch: pytest.MonkeyPatch, gives: list[int], asked: list[tuple[int, int]]
) -> None:
    found: list[tuple[int, int]] = []

    def archived(_store: Any, place: Any, start: int, stop: int) -> Iterator[Any]:
        assert place == PLACE
        found.append((start, stop))
        yield from ((offset, tick_headers(1), b"", offset) for offset in range(start, stop))

    monkeypatch.setattr(collect, "archived", archived)
    reader: Any = Reader(2, gives)
    builder = RawBuilder({PLACE: (0, 10)})
    collect.read_raw(reader, None, {PLACE: (0, 10)}, builder)
    assert found == asked
    assert builder.build().offset().tolist() == [*range(10)]
