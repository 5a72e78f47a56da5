"""One raw partition while a worker has it, and the folds it is handed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from streams.checkpoint import PartitionState
from streams.ledger import Ledger
from streams.records import RawRecord
from streams.suspects import Suspects


class FetchedFold(Protocol):
    """A fold as the consumer hands it over."""

    @property
    def after(self) -> int | None:
        """End of the fold fetched before it, None behind a seek."""

    @property
    def generation(self) -> int:
        """The consumer group's generation."""

    @property
    def records(self) -> Sequence[RawRecord]:
        """At least one record, in order."""

    @property
    def first(self) -> int:
        """Offset of the first."""


@dataclass
class Assigned:
    """One raw partition while this worker has it.

    `settled` once its state stands at the first record fetched, and suspects have waited.
    """

    generation: int
    state: PartitionState
    next_offset: int
    suspects: Suspects
    waited: bool = False
    settled: bool = False
    ledger: Ledger = field(default_factory=Ledger)
