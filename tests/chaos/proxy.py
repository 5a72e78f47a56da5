"""A TCP proxy that can be told to misbehave: it cuts, stalls, or resets what goes through it.

One thread serves any number of routes. A broker behind it must advertise the route's port, or its
clients would go around it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")

BUFFER_BYTES = 256 * 1024
_CONNECT_S = 5.0
# SO_LINGER of zero seconds: close sends RST and drops what is under way.
_RESET = struct.pack("ii", 1, 0)


class Mood(StrEnum):
    """What a route does with its connections."""

    CALM = "calm"
    CUT = "cut"
    """Existing connections are closed, new ones refused."""
    STALL = "stall"
    """Nothing moves in either direction; nobody is told."""
    RESET = "reset"
    """Existing connections end by RST; new ones are welcome."""


class Route:
    """One listening port and what lies behind it. Only the proxy's thread touches it."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.mood = Mood.CALM
        self.moves = asyncio.Event()
        self.moves.set()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, port: int) -> None:
        """Take connections on this port from now on."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", port, limit=BUFFER_BYTES
        )
        self.port = port

    def set(self, mood: Mood) -> None:
        """Change what becomes of connections, those that are there included."""
        self.mood = mood
        if mood in (Mood.CUT, Mood.RESET):
            self._end(reset=mood is Mood.RESET)
        if mood is Mood.STALL:
            self.moves.clear()
        else:
            self.moves.set()
        if mood is Mood.RESET:
            self.mood = Mood.CALM

    async def close(self) -> None:
        """Let go of the port and of every connection."""
        self.moves.set()
        if self._server is not None:
            self._server.close()
        self._end(reset=False)
        for task in self._tasks:
            task.cancel()

    def _end(self, *, reset: bool) -> None:
        for writer in self._writers:
            if reset:
                end = writer.get_extra_info("socket")
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if self.mood is Mood.CUT:
                return
            connect = asyncio.open_connection("127.0.0.1", self.target, limit=BUFFER_BYTES)
            there, back = await asyncio.wait_for(connect, _CONNECT_S)
            self._writers.add(back)
            try:
                await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
            finally:
                self._drop(back)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._drop(writer)
            self._tasks.discard(task)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(BUFFER_BYTES):
            await self.moves.wait()
            writer.write(data)
            await writer.drain()
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


class Proxy:
    """The thread and its routes, by name."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._routes: dict[str, Route] = {}
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def add(self, name: str, port: int, target: int) -> None:
        """A route from a port to the port of what lies behind it, both on loopback."""

        async def start() -> None:
            route = Route(target)
            await route.listen(port)
            self._routes[name] = route

        self._call(start())

    @property
    def routes(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._routes)

    def set(self, name: str, mood: Mood) -> None:
        """Change a route's mood; by the time this returns it has changed."""

        async def change() -> None:
            self._routes[name].set(mood)

        self._call(change())

    def calm(self) -> None:
        """Every route lets everything through."""
        for name in self._routes:
            self.set(name, Mood.CALM)

    def close(self) -> None:
        """End every connection and the thread."""

        async def end() -> None:
            for route in self._routes.values():
                await route.close()

        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
