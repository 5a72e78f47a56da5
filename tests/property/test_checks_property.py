"""The checks find the same whatever the chunks, and again when a motion comes again."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.faults.inject import inject
from producers.faults.simulated import simulated_take
from schemas.codec import encode
from schemas.defects import DEFECT
from schemas.envelope import Envelope, Kind
from schemas.vendors import Vendor
from streams.body_plan import canonicalise
from streams.check import check_chunk, compile_checks, fresh_checks_of
from streams.chunk import Processor
from streams.decode import RawChunk, decode_chunk
from streams.findings import merged
from streams.signals import signals_of
from tests.make import processors, vendor

VENDORS = ("fourier", "iit", "pollen", "unitree", "xhumanoid")
DEFECTS = ("frozen", "spikes", "chatter", "bursts", "stale_frames", "swapped_frames", "lost_chunks",
           "flipped_sign", "swapped_sides", "late_joints", "late_velocity", "gyro_bias",
           "sliding", "hand_frozen", "hand_stuck", "other_model")  # fmt: skip


@cache
def frames_of(name: str, defect: str) -> tuple[Processor, list[tuple[int, RawChunk]]]:
    """A struck take, decoded frame by frame."""
    own: Vendor = vendor(name)
    take = simulated_take(own, 12.0)
    if DEFECT[defect].proved_by(signals_of(own.profile, own.embodiment)) is not None:
        take = inject(take, defect).take
    processor = processors()[own.profile.id]
    decoded = []
    for first, chunk in take.chunks(1):
        envelope = Envelope(
            Kind.CHUNK, f"{name}/a", "01ARZ3NDEKTSV4RRFFQ69G5FAV", 0, first, 1, 0, own.profile.id
        )
        value = encode(own.schema, chunk.value)
        raw = decode_chunk(processor.decoder, processor.registry, value, envelope)
        assert isinstance(raw, RawChunk)
        decoded.append((first, raw))
    return processor, decoded


def joined(parts: list[RawChunk]) -> RawChunk:
    def rows(name):
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    names = ("stamps", "stamp_ns", "position", "velocity", "effort", "action")
    base = {key: np.concatenate([part.base[key] for part in parts]) for key in parts[0].base}
    return RawChunk(*(rows(name) for name in names), None, base)


def run(name: str, defect: str, cuts: list[int]):
    """Flags of all frames and the joined findings, for chunks cut at these places."""
    processor, decoded = frames_of(name, defect)
    plan = compile_checks(processor.vendor.profile, processor.vendor.embodiment)
    state = fresh_checks_of(plan)
    flags, findings = [], []
    index = [first for first, _ in decoded]
    jumps = [i for i in range(1, len(index)) if index[i] != index[i - 1] + 1]
    bounds = sorted({0, len(decoded), *jumps, *(c % len(decoded) for c in cuts)})
    for start, stop in pairwise(bounds):
        chunk = joined([raw for _, raw in decoded[start:stop]])
        near = np.zeros((stop - start, 1), np.bool_)
        body = canonicalise(processor.body, chunk.position, None)
        state, own, found = check_chunk(
            plan, state, chunk, near, index[start], 0, body.hand_pose, body.foot_pose
        )
        flags.append(own)
        findings += found
    session = state.session
    carried = (state.stamp_ns, state.figures, state.seen_ns, session.figures, session.take)
    return np.concatenate(flags), merged(findings, 10**6), carried


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(VENDORS), st.sampled_from(DEFECTS), st.lists(st.integers(0, 10**4), max_size=60)
)
def test_chunk_boundaries_change_nothing(name, defect, cuts) -> None:
    whole, cut = run(name, defect, []), run(name, defect, cuts)
    np.testing.assert_array_equal(whole[0], cut[0])
    assert whole[1] == cut[1]
    for before, after in zip(whole[2], cut[2], strict=True):
        np.testing.assert_array_equal(before, after)


@settings(max_examples=6, deadline=None)
@given(st.sampled_from(VENDORS), st.lists(st.integers(0, 10**4), max_size=60))
def test_a_replay_gives_the_same(name, cuts) -> None:
    once, again = run(name, "chatter", cuts), run(name, "chatter", cuts)
    assert once[0].tobytes() == again[0].tobytes()
    assert once[1] == again[1]
