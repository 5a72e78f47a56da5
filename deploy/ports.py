"""Free TCP ports on loopback."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 15_000
_TRIES = 200


class NoFreePortError(RuntimeError):
    """No port could be bound on loopback."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port below the kernel's ephemeral range.

    A port inside that range may be taken as the source of any outgoing connection while its server
    restarts; a client that keeps reconnecting can even connect to itself on it.
    """
    highest = _first_ephemeral_port() - 1
    for _ in range(_TRIES):
        port = random.randint(_LOWEST, highest)
        if is_free(port):
            return port
    raise NoFreePortError(
        f"no free port between {_LOWEST} and {highest} on 127.0.0.1: end what listens there, "
        "or name the ports"
    )


def port_near(wanted: int) -> int:
    """The port that is wanted, or a free one where something listens there already."""
    return wanted if is_free(wanted) else free_port()


def answers(port: int, timeout_s: float = 0.5) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=timeout_s).close()
    except OSError:
        return False
    return True


def _first_ephemeral_port() -> int:
    try:
        first = int(_EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = 32_768
    return first if first > _LOWEST + 1_000 else 65_536
