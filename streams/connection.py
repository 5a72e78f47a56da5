"""A driver's connection that breaks while it is used is broken, and nothing worse.

uvloop's transports raise RuntimeError where one writes to them after they were closed, asyncio's
own do not; the driver expects OSError, and takes anything else for an end of the process.
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def send(connection: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
    """Send a request; raises KafkaConnectionError, which is tried again, where that is broken."""
    try:
        return _send(connection, request, expect_response)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        address = f"{connection.host}:{connection.port}"
        raise KafkaConnectionError(f"Connection at {address} broken: {error}") from error


def install() -> None:
    """Let the driver's connections send this way."""
    AIOKafkaConnection.send = send
