"""Messages whose frames hold only the devices that answered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from streams.layout import PRESENT, ShapeError
from streams.sparse import Answer, SparseReader

POSITION, TORQUE = Answer("states", "position", "p", True), Answer("states", "torque", "t", False)
COMMAND = Answer("commands", "position", "c", False)
READER = SparseReader("frames", "id", {11: 0, 12: 1}, (POSITION, TORQUE, COMMAND), "time")


def frame(states: list[Any], commands: list[Any] = (), time: int = 0) -> dict[str, Any]:
    """States as (id, position, torque), commands as (id, position)."""
    return {
        "time": time,
        "states": [{"id": i, "position": p, "torque": t} for i, p, t in states],
        "commands": [{"id": i, "position": p} for i, p in commands],
    }


def read(*frames: dict[str, Any]) -> dict[str, np.ndarray]:
    return dict(READER.fields({"frames": list(frames)}, len(frames)))


def test_each_device_stands_in_its_column_and_nan_where_it_is_silent() -> None:
    found = read(
        frame([(12, 0.5, 1.0), (11, 0.25, None)], [(11, 0.75)], 7), frame([], [(12, 2.0)], 8)
    )
    nan = np.nan
    np.testing.assert_array_equal(found["p"], [[0.25, 0.5], [nan, nan]])
    np.testing.assert_array_equal(found["t"], [[nan, 1.0], [nan, nan]])
    np.testing.assert_array_equal(found["c"], [[0.75, nan], [nan, 2.0]])
    np.testing.assert_array_equal(found[PRESENT], [[True, True], [False, False]])
    np.testing.assert_array_equal(found["time"], [[7], [8]])


def test_the_last_word_of_a_device_counts_and_silence_is_none() -> None:
    found = read(frame([(11, 1.0, 3.0), (11, 2.0, None)]))
    assert found["p"][0, 0] == 2.0
    assert found["t"][0, 0] == 3.0
    found = read(frame([(11, 1.0, 0.0), (11, None, 0.0)]))
    assert found["p"][0, 0] == 1.0
    assert found[PRESENT][0, 0]
    assert not read(frame([(11, None, 0.0)]))[PRESENT].any()


def test_a_strange_device_or_another_number_of_frames_is_refused() -> None:
    with pytest.raises(ShapeError, match="device 99 is not in the profile"):
        read(frame([(11, 1.0, 1.0), (99, 1.0, 1.0)]))
    with pytest.raises(ShapeError, match="1 frames in the value, 2 in the envelope"):
        READER.fields({"frames": [frame([])]}, 2)
