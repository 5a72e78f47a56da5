"""A record's headers as its client gives them, and what stands for headers that none can read."""

from __future__ import annotations

import gc
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

    Where a name is no UTF-8, the client gives a pair with nothing in its first place, and touching
    that ends the process; it also leaves an exception behind, which is raised here or at the next
    call. The collector counts what is in the pairs without touching it, and is that next call.
    """
    try:
        headers = message.headers()
        whole = not headers or len(gc.get_referents(*headers)) == 2 * len(headers)
    except SystemError:
        whole = False
    return headers if whole else unreadable_headers()


def unreadable_headers() -> Headers:
    """What stands for them."""
    return [(UNREADABLE, None)]
