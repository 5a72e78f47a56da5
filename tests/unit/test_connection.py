"""A connection of the driver that was closed under it is tried again, under uvloop, too."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest

from streams.connection import send


async def broken() -> AIOKafkaConnection:
    """A connection whose transport has just been closed; its reader has not noticed yet."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    made = AIOKafkaConnection(host, port)
    made._reader, made._writer = await asyncio.open_connection(host, port)
    made._read_task = asyncio.ensure_future(asyncio.sleep(0))
    made._writer.transport.abort()
    await asyncio.sleep(0.01)
    server.close()
    return made


def test_a_closed_transport_is_a_broken_connection_and_not_an_error_of_ours() -> None:
    async def play() -> Any:
        connection = await broken()
        connection._versions = {18: (0, 0)}
        with pytest.raises(KafkaConnectionError) as caught:
            send(connection, ApiVersionRequest())
        assert isinstance(caught.value.__cause__, RuntimeError)
        assert connection._writer is None

    uvloop.run(play())


def test_the_driver_sends_this_way() -> None:
    import streams.folding  # noqa: F401  (it puts it in place)

    assert AIOKafkaConnection.send is send
