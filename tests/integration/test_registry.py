"""Publishing schemas to a registry that speaks Confluent's REST interface."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.registry import RegistryError, publish_schemas
from schemas.registry import packaged


class Registry(BaseHTTPRequestHandler):
    """The four calls of the interface that are used, with its rule that ids need IMPORT mode."""

    schemas: dict[int, str]
    modes: dict[str, str]

    def do_GET(self) -> None:
        number = int(self.path.rsplit("/", 1)[1])
        if number in self.schemas:
            self._answer(200, {"schema": self.schemas[number]})
        else:
            self._answer(404, {"error_code": 40403})

    def do_PUT(self) -> None:
        body = self._body()
        if self.path.startswith("/mode/"):
            self.modes[self.path.removeprefix("/mode/")] = body["mode"]
        self._answer(200, body)

    def do_POST(self) -> None:
        subject = self.path.split("/")[2]
        body = self._body()
        if self.modes.get(subject) != "IMPORT":
            self._answer(422, {"error_code": 42205})
            return
        self.schemas[body["id"]] = body["schema"]
        self._answer(200, {"id": body["id"]})

    def log_message(self, *_: object) -> None:
        pass

    def _body(self) -> dict:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, code: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def registry() -> Iterator[tuple[str, type[Registry]]]:
    handler = type("Fresh", (Registry,), {"schemas": {}, "modes": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


def test_every_schema_is_there_under_its_own_id_and_a_second_time_changes_nothing(
    registry: tuple[str, type[Registry]],
) -> None:
    url, held = registry
    schemas = list(packaged().by_id.values())
    assert publish_schemas(url, schemas) == len(schemas)
    assert {number: json.loads(text) for number, text in held.schemas.items()} == {
        schema.id: schema.document for schema in schemas
    }
    assert set(held.modes.values()) == {"READWRITE"}
    assert publish_schemas(url, schemas) == 0


def test_another_schema_under_our_id_is_an_error(registry: tuple[str, type[Registry]]) -> None:
    url, held = registry
    schema = packaged().named("boundary")
    held.schemas[schema.id] = '"string"'
    with pytest.raises(RegistryError, match="another schema"):
        publish_schemas(url, [schema])


def test_a_registry_that_is_away_is_a_clear_error() -> None:
    with pytest.raises(RegistryError, match="does not answer"):
        publish_schemas("http://127.0.0.1:9", [packaged().named("boundary")])
