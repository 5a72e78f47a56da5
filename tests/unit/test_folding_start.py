"""A worker that starts while the broker is away waits for it."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from streams import folding


class Client:
    stopped = 0

    async def stop(self) -> None:
        self.stopped += 1


def test_a_broker_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "RETRY_S", 0.0)
    client, attempts = Client(), iter((False, False, True))

    async def start() -> None:
        if not next(attempts):
            raise KafkaConnectionError("away")

    asyncio.run(folding.started(start, lambda: client))
    assert client.stopped == 2
    assert next(attempts, None) is None


def test_any_other_error_is_raised() -> None:
    async def start() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        asyncio.run(folding.started(start, Client))
