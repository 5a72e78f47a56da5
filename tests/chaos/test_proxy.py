"""The proxy does to a connection what it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from deploy.ports import free_port
from tests.chaos.proxy import Mood, Proxy


@pytest.fixture
def echo() -> Iterator[int]:
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(ConnectionResetError):
            while data := connection.recv(4096):
                connection.sendall(data)

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[tuple[Proxy, int]]:
    proxy, port = Proxy(), free_port()
    proxy.add("echo", port, echo)
    yield proxy, port
    proxy.close()


def connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    client.sendall(b"hello")
    assert client.recv(10) == b"hello"
    return client


def test_a_cut_ends_connections_and_refuses_new_ones(proxy: tuple[Proxy, int]) -> None:
    it, port = proxy
    with connect(port) as client:
        it.set("echo", Mood.CUT)
        assert client.recv(10) == b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        assert client.recv(10) == b""
    it.calm()
    connect(port).close()


def test_a_stall_keeps_bytes_back_and_then_lets_them_go(proxy: tuple[Proxy, int]) -> None:
    it, port = proxy
    with connect(port) as client:
        it.set("echo", Mood.STALL)
        client.sendall(b"later")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(10)
        it.calm()
        client.settimeout(5)
        assert client.recv(10) == b"later"


def test_a_reset_is_a_reset_and_the_next_connection_works(proxy: tuple[Proxy, int]) -> None:
    it, port = proxy
    with connect(port) as client:
        it.set("echo", Mood.RESET)
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    connect(port).close()
