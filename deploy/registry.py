"""Kinebus's schemas in a Confluent-compatible registry, under the ids the wire already carries.

Ids come from the schemas' content (`schemas.registry`), so nothing here is asked for one: each
schema is imported with its own id, and standard clients then read every topic by the registry.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any

from schemas.registry import Schema

TIMEOUT_S = 10.0
_JSON = "application/vnd.schemaregistry.v1+json"
_NOT_FOUND = 404


class RegistryError(RuntimeError):
    """The registry refused, or holds another schema under an id of ours."""


def subject_of(schema: Schema) -> str:
    """The subject of a schema: its record's full name (RecordNameStrategy)."""
    document = schema.document
    if schema.kind == "json":
        return f"kinebus.raw.{document['title']}"
    return f"{document['namespace']}.{document['name']}"


def publish_schemas(url: str, schemas: Iterable[Schema]) -> int:
    """Make a registry know every schema; gives how many were new to it.

    Raises:
        RegistryError: it does not answer, refuses, or has other content under one of the ids.
    """
    base = url.rstrip("/")
    return sum(_publish(base, schema) for schema in schemas)


def _publish(base: str, schema: Schema) -> bool:
    known = _call("GET", f"{base}/schemas/ids/{schema.id}")
    if known is not None:
        if json.loads(known["schema"]) != schema.document:
            raise RegistryError(
                f"{base} has another schema under the id {schema.id} of {schema.name}: "
                "use a registry of its own for kinebus"
            )
        return False
    subject = subject_of(schema)
    _call("PUT", f"{base}/mode/{subject}", {"mode": "IMPORT"})
    _call(
        "POST",
        f"{base}/subjects/{subject}/versions",
        {
            "schema": json.dumps(schema.document),
            "schemaType": schema.kind.upper(),
            "id": schema.id,
        },
    )
    _call("PUT", f"{base}/mode/{subject}", {"mode": "READWRITE"})
    _call("PUT", f"{base}/config/{subject}", {"compatibility": "BACKWARD_TRANSITIVE"})
    return True


def _call(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    """One request; None when what is asked for is not there."""
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": _JSON, "Accept": _JSON},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if method == "GET" and error.code == _NOT_FOUND:
            return None
        raise RegistryError(f"{method} {url}: {error.code} {error.read(300)!r}") from None
    except urllib.error.URLError as error:
        raise RegistryError(f"{url} does not answer: {error.reason}") from None
