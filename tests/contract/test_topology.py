"""The topology names what is there, and golden examples pass every step."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import schemas.golden
from schemas.blocks import block_fields, is_block_record
from schemas.codec import decode_body
from streams.topology import TOPOLOGY, Edge
from tests import make

GOLDEN = Path(schemas.golden.__file__).parent


@pytest.mark.parametrize("edge", TOPOLOGY, ids=lambda edge: edge.step)
def test_every_step_is_there(edge: Edge) -> None:
    module, _, function = edge.step.rpartition(".")
    if edge.step.startswith("streams") or edge.step.startswith("schemas"):
        assert callable(getattr(import_module(module), function))
    else:
        assert find_spec(edge.step) is not None


FIXED = [name for name in make.vendors().names if is_block_record(make.vendor(name).schema)]
"""Vendors whose schema alone fixes the shape of a message."""


@pytest.mark.parametrize("name", FIXED)
def test_a_golden_example_in_blocks_becomes_a_canonical_chunk(name: str) -> None:
    schema = make.vendor(name).schema
    data = (GOLDEN / f"{schema.name}.bin").read_bytes()
    field, block = next(iter(block_fields(schema.document).items()))
    frames = len(decode_body(data, schema)[field]) // (block.dtype.itemsize * block.columns)
    outputs = make.run([make.chunk(name, data, frames)])[1]
    assert make.dead_letters(outputs) == []
    (chunk,) = make.chunks(outputs)
    assert chunk.frames == frames
