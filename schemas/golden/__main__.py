"""`python -m schemas.golden`: writes the golden examples, and keeps those of earlier schemas.

When a schema changes, its example so far moves to `past/`: whoever reads today must be able to
read it, for ever (BACKWARD_TRANSITIVE).
"""

from __future__ import annotations

import json
from pathlib import Path

from schemas.codec import decode
from schemas.golden.examples import golden_examples
from schemas.golden.readable import readable
from schemas.registry import PAST_DIR, packaged
from schemas.vendors import PROFILES_DIR

FOLDER = Path(__file__).parent


def main() -> None:
    """Write `<name>.bin` and `<name>.json` for every schema."""
    registry = packaged().with_dir(PROFILES_DIR)
    for name, data in golden_examples().items():
        schema, value = decode(data, registry)
        described = {
            "schema": name,
            "id": schema.id,
            "kind": schema.kind,
            "document": schema.document,
            "value": readable(schema, value),
        }
        _keep_past(name, schema.id)
        (FOLDER / f"{name}.bin").write_bytes(data)
        (FOLDER / f"{name}.json").write_text(json.dumps(described, indent=1) + "\n")


def _keep_past(name: str, schema_id: int) -> None:
    """Move an example that was written with another schema to `past/`."""
    described = FOLDER / f"{name}.json"
    if not described.exists():
        return
    written_with = json.loads(described.read_text())["id"]
    if written_with != schema_id:
        PAST_DIR.mkdir(exist_ok=True)
        for suffix in (".json", ".bin"):
            (FOLDER / f"{name}{suffix}").rename(PAST_DIR / f"{name}-{written_with}{suffix}")


if __name__ == "__main__":
    main()
