"""A vendor's own form: its profile and the schema that its values are written with."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from schemas.blocks import max_value_bytes
from schemas.codec import encode
from schemas.profile import Profile
from schemas.registry import Schema, packaged
from schemas.thresholds import FILE_NAME
from schemas.topics import MAX_RAW_BYTES
from schemas.vendors import PROFILES_DIR


class UnknownProfileError(LookupError):
    """A profile id that no packaged or configured profile has."""


class ValueTooLargeError(ValueError):
    """A value that no consumer would decode; it is refused before it is sent."""

    def __init__(self, schema: Schema, size: int, limit: int) -> None:
        super().__init__(
            f"a value of {schema.name} takes {size:,} bytes, more than the {limit:,} that may be "
            "sent; send fewer frames in one chunk"
        )
        self.size = size
        self.limit = limit


@dataclass(frozen=True)
class Form:
    """How one profile's values are written; a robot needs no more of its profile than this."""

    profile: Profile
    schema: Schema

    @cached_property
    def max_bytes(self) -> int:
        """How large an encoded value may be."""
        return min(max_value_bytes(self.schema), MAX_RAW_BYTES)

    def encode(self, value: object) -> bytes:
        """A whole chunk as it goes to Kafka; raises ValueTooLargeError."""
        data = encode(self.schema, value)
        if len(data) > self.max_bytes:
            raise ValueTooLargeError(self.schema, len(data), self.max_bytes)
        return data


def load_form(profile_id: str, extra: Path | None = None) -> Form:
    """Find a profile by its id, `<name>@<version>`, among the packaged ones and one more folder."""
    registry = packaged().with_dir(PROFILES_DIR)
    if extra is not None:
        registry = registry.with_dir(extra)
    known = []
    for folder in (PROFILES_DIR, extra):
        for path in sorted(folder.glob("*.toml")) if folder else ():
            if path.name == FILE_NAME:
                continue
            document = tomllib.loads(path.read_text())
            known.append(f"{document['name']}@{document['version']}")
            if known[-1] == profile_id:
                profile = Profile.model_validate(document)
                return Form(profile, registry.named(profile.schema_name))
    raise UnknownProfileError(f"no profile {profile_id!r}; there are {', '.join(known)}")
