"""Confluent's frame: every byte accounted for."""

from __future__ import annotations

import pytest

from schemas.codec import CodecError, TruncatedError, UnknownIdError, decode, encode
from schemas.golden.examples import golden_examples
from schemas.registry import packaged
from schemas.vendors import PROFILES_DIR

REGISTRY = packaged().with_dir(PROFILES_DIR)
EXAMPLES = golden_examples()
NAMES = sorted(EXAMPLES)


@pytest.mark.parametrize("name", NAMES)
def test_truncation_at_every_byte_is_an_error(name):
    data = EXAMPLES[name]
    for length in range(len(data)):
        with pytest.raises(CodecError):
            decode(data[:length], REGISTRY)


@pytest.mark.parametrize("name", NAMES)
def test_a_byte_too_many_is_an_error(name):
    with pytest.raises(CodecError):
        decode(EXAMPLES[name] + b"\x00", REGISTRY)


def test_another_magic_byte_is_an_error():
    with pytest.raises(CodecError, match="first byte"):
        decode(b"\x01" + EXAMPLES["boundary"][1:], REGISTRY)


def test_an_unknown_id_is_told_apart():
    with pytest.raises(UnknownIdError):
        decode(b"\x00\x7f\xff\xff\xff" + EXAMPLES["boundary"][5:], REGISTRY)


def test_a_value_with_another_schemas_id_is_an_error():
    wrong = encode(REGISTRY.named("boundary"), decode(EXAMPLES["boundary"], REGISTRY)[1])
    head = EXAMPLES["canonical_chunk"][:5]
    with pytest.raises(CodecError):
        decode(head + wrong[5:], REGISTRY)


def test_a_length_beyond_the_value_is_truncation():
    schema = REGISTRY.named("raw_unitree_g1_inspire")
    head = EXAMPLES[schema.name][:5]
    with pytest.raises(TruncatedError):
        decode(head + b"\xfe\xff\xff\xff\x0f", REGISTRY)
