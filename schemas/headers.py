"""A record's headers as its client gives them, and what stands for headers that none can read."""

from __future__ import annotations

from typing import Protocol

Headers = list[tuple[str, bytes | None]]

UNREADABLE = "unreadable-headers"
"""The one header of a record in which the name of a header is no UTF-8."""


class Message(Protocol):
    """confluent-kafka's message."""

    def headers(self) -> Headers | None:
        """Its headers."""


def headers_of(message: Message) -> Headers | None:
    """The headers of a message, None where it has none.

    The client gives up on all of them where the name of one is no UTF-8.
    """
    try:
        return message.headers()
    except (SystemError, UnicodeDecodeError):
        return unreadable_headers()


def unreadable_headers() -> Headers:
    """What stands for them."""
    return [(UNREADABLE, None)]
