"""Records on their way in and out, as the pure steps see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class RawRecord(Protocol):
    """A record of a raw topic; aiokafka's own record type fits."""

    @property
    def topic(self) -> str:
        """`raw.<vendor>`."""

    @property
    def partition(self) -> int:
        """Its partition."""

    @property
    def offset(self) -> int:
        """Its offset."""

    @property
    def timestamp(self) -> int:
        """When the broker appended it, Unix milliseconds."""

    @property
    def key(self) -> bytes | None:
        """The robot's name."""

    @property
    def value(self) -> bytes | None:
        """The vendor's bytes behind Confluent's frame."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """The envelope."""


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A raw record from anywhere but aiokafka."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Output:
    """A record to write; its partition is that of the raw record it came from.

    An empty value takes a key of a compacted topic back.
    """

    topic: str
    partition: int
    key: bytes
    value: bytes
