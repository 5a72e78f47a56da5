"""ClickHouse's HTTP interface in front of the engine."""

from __future__ import annotations

import json
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from email.parser import BytesParser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from urllib.parse import parse_qsl, urlsplit

from deploy.clickhouse.body import RequestBody, decoded
from deploy.clickhouse.engine import Engine, Outcome
from deploy.clickhouse.errors import (
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    UNKNOWN_EXCEPTION,
    ClickHouseError,
    render_error,
)
from deploy.clickhouse.measure import PATH, ServerMeasure
from deploy.clickhouse.statement import insert_head, only_reads, options_of

_HEAD_BYTES = 64 * 1024
_MAX_TEXT_BYTES = 64 * 1024 * 1024
_PINGS = ("/ping", "/replicas_status")


class ClickHouseServer(ThreadingHTTPServer):
    """Serves one engine on loopback; counts the writes that a clean stop must wait for."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, engine: Engine) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.engine = engine
        self.measure = ServerMeasure(engine)
        self._open = 0
        self._idle = threading.Condition()

    def enter(self) -> None:
        """A request begins."""
        with self._idle:
            self._open += 1

    def leave(self) -> None:
        """A request has been answered."""
        with self._idle:
            self._open -= 1
            self._idle.notify_all()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until no request is being answered."""
        with self._idle:
            return self._idle.wait_for(lambda: self._open == 0, timeout_s)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    server: ClickHouseServer
    protocol_version = "HTTP/1.1"
    # Header and body leave as two writes: without this each small answer waits for an ack.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """A ping, or a query that may only read."""
        path = urlsplit(self.path).path
        if path == PATH:
            self._send(HTTPStatus.OK, self.server.measure.text(), {"Content-Type": "text/plain"})
        elif path in _PINGS:
            self._send(HTTPStatus.OK, b"Ok.\n", {"Content-Type": "text/html; charset=UTF-8"})
        else:
            self._answer(read_only=True)

    def do_POST(self) -> None:
        """A query from the URL or the body, or rows to insert."""
        self._answer(read_only=False)

    def _answer(self, read_only: bool) -> None:
        body = RequestBody(
            self.rfile,
            int(self.headers.get("Content-Length") or 0),
            self.headers.get("Transfer-Encoding", "").lower() == "chunked",
        )
        self.server.enter()
        self._kind, outcome, began = "other", "error", time.monotonic()
        try:
            self._send_outcome(self._run(body, read_only))
            outcome = "ok"
        except ClickHouseError as error:
            self._send_error(body, error)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            self.log_error("%r", error)
            self._send_error(body, ClickHouseError(UNKNOWN_EXCEPTION, repr(error)))
        finally:
            self.server.leave()
            self.server.measure.answered(self._kind, outcome, time.monotonic() - began)

    def _run(self, body: RequestBody, read_only: bool) -> Outcome:
        if "Origin" in self.headers:
            # No web page has business here; a browser would let one post to loopback.
            raise ClickHouseError(BAD_ARGUMENTS, "requests from web pages are refused")
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        pieces = decoded(body, self.headers.get("Content-Encoding", "").strip().lower())
        if self.headers.get_content_type() == "multipart/form-data":
            query |= _form(self.headers["Content-Type"], _whole(pieces))
            pieces = iter(())
        options = options_of(query, {k.lower(): v for k, v in self.headers.items()})
        url_text = query.get("query", "").encode()
        text = _head(chain([url_text, b"\n"] if url_text else [], pieces))
        head = None if read_only else insert_head(text[0])
        if head is not None:
            self._kind = "insert"
            rows = chain([text[0][head.data_at :]], text[1])
            return self.server.engine.insert(head, (row for row in rows if row), options)
        sql = _whole(chain(text[0:1], text[1])).decode().strip()
        if not sql:
            return Outcome(options.format, b"Ok.\n")
        if only_reads(sql):
            self._kind = "read"
        return self.server.engine.run(sql, options, read_only)

    def _send_outcome(self, outcome: Outcome) -> None:
        summary = {
            "read_rows": outcome.read_rows,
            "read_bytes": outcome.read_bytes,
            "written_rows": outcome.written_rows,
            "written_bytes": outcome.written_bytes,
            "elapsed_ns": int(outcome.elapsed_s * 1e9),
        }
        headers = {
            "X-ClickHouse-Summary": json.dumps({name: str(n) for name, n in summary.items()}),
            "X-ClickHouse-Format": outcome.format,
            "X-ClickHouse-Timezone": "UTC",
        }
        if isinstance(outcome.body, bytes):
            self._send(HTTPStatus.OK, outcome.body, headers)
            return
        with outcome.body as file:
            length = file.seek(0, 2)
            file.seek(0)
            self._send_headers(HTTPStatus.OK, length, headers)
            shutil.copyfileobj(file, self.wfile, 1 << 18)

    def _send_error(self, body: RequestBody, error: ClickHouseError) -> None:
        try:
            body.drain()
            self._send(
                error.status,
                render_error(error, self.server.engine.version),
                {"X-ClickHouse-Exception-Code": str(error.code)},
            )
        except (ConnectionError, ClickHouseError):
            self.close_connection = True

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self._send_headers(status, len(body), headers)
        self.wfile.write(body)

    def _send_headers(self, status: HTTPStatus, length: int, headers: dict[str, str]) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        self.send_response(status)
        self.send_header("X-ClickHouse-Server-Display-Name", "kinebus")
        self.send_header("X-ClickHouse-Query-Id", query.get("query_id") or str(uuid.uuid4()))
        self.send_header("Content-Length", str(length))
        for name, value in {"Content-Type": "text/plain; charset=UTF-8", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Requests are not logged one by one."""


def _head(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of a text, long enough to hold a statement, and the pieces after it."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD_BYTES:
            break
    return head, pieces


def _whole(pieces: Iterator[bytes]) -> bytes:
    return b"".join(_bounded(pieces))


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _MAX_TEXT_BYTES:
            raise ClickHouseError(
                BAD_ARGUMENTS,
                f"a query text may take {_MAX_TEXT_BYTES} bytes; send rows as INSERT … FORMAT. "
                "(BAD_ARGUMENTS)",
            )
        yield piece


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form, which clients send when a query is too long for a URL."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + body)
    fields = {}
    for part in message.walk():
        name = part.get_param("name", header="Content-Disposition")
        if not isinstance(name, str):
            continue
        if part.get_filename() is not None:
            raise ClickHouseError(
                NOT_IMPLEMENTED, "external data is not supported here. (NOT_IMPLEMENTED)"
            )
        payload = part.get_payload(decode=True)
        fields[name] = payload.decode() if isinstance(payload, bytes) else ""
    return fields
