"""Laws of the wire: what is encoded is decoded, whatever else comes is an error and no more."""

from __future__ import annotations

import contextlib
import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from schemas.blocks import Block, block_array, block_bytes, block_fields
from schemas.codec import CodecError, decode, encode
from schemas.golden.examples import golden_examples
from schemas.registry import packaged
from schemas.vendors import PROFILES_DIR

REGISTRY = packaged().with_dir(PROFILES_DIR)
EXAMPLES = golden_examples()
DTYPES = st.sampled_from(["<f4", "<f8", "<i8", "<i4", "|u1", "|b1"]).map(np.dtype)


@settings(max_examples=200, deadline=None)
@given(dtype=DTYPES, frames=st.integers(0, 64), columns=st.integers(1, 50), data=st.data())
def test_a_block_keeps_every_bit(dtype, frames, columns, data):
    shape = (frames,) if columns == 1 else (frames, columns)
    rows = data.draw(arrays.arrays(dtype, shape))
    block = Block(dtype, columns)
    written = block_bytes(block, rows)
    assert len(written) == frames * block.row_bytes
    read = block_array(block, written)
    assert read.shape == shape
    assert read.tobytes() == rows.tobytes()


@settings(max_examples=100, deadline=None)
@given(frames=st.integers(1, 64), data=st.data())
def test_a_raw_value_keeps_every_bit(frames, data):
    schema = REGISTRY.named("raw_unitree_g1_inspire")
    value = {
        name: data.draw(st.binary(min_size=block.row_bytes, max_size=block.row_bytes)) * frames
        for name, block in block_fields(schema.document).items()
    }
    assert decode(encode(schema, value), REGISTRY) == (schema, value)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False)), max_size=8))
def test_json_numbers_keep_every_bit(rows):
    schema = REGISTRY.named("raw_xhumanoid_tienkung")
    value = {"FrameDuration": 0.033, "Frames": rows}
    assert json.dumps(decode(encode(schema, value), REGISTRY)[1]) == json.dumps(value)


@settings(max_examples=500, deadline=None)
@given(name=st.sampled_from(sorted(EXAMPLES)), data=st.data())
def test_a_changed_byte_gives_a_value_or_an_error(name, data):
    """Never another exception, never more memory than the bytes can pay for."""
    changed = bytearray(EXAMPLES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CodecError):
        decode(bytes(changed), REGISTRY)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_give_a_value_or_an_error(data):
    for schema in REGISTRY.by_id.values():
        with contextlib.suppress(CodecError):
            decode(schema.id.to_bytes(5, "big") + data, REGISTRY)
