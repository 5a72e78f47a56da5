"""The columns of a data set's rows as Arrow, in the types that LeRobot's readers expect."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from sinks.datasets.signals import Feature, SignalPlan
from sinks.datasets.step import GridEpisode

INDEX_FEATURES = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}

_ARROW = {"float32": pa.float32(), "int64": pa.int64(), "bool": pa.bool_()}


def features_document(plan: SignalPlan) -> dict[str, Any]:
    """`features` of `info.json`."""
    own = {
        feature.name: {
            "dtype": feature.dtype,
            "shape": [len(feature.names)],
            "names": list(feature.names),
        }
        for feature in plan.features
    }
    index = {
        name: {"dtype": dtype, "shape": [1], "names": None}
        for name, dtype in INDEX_FEATURES.items()
    }
    return {**own, **index}


def arrow_schema(plan: SignalPlan) -> pa.Schema:
    """The rows' schema, with what Hugging Face's loader wants to know of it.

    Every cell has a value; where that is said, a file costs half as much to write.
    """
    fields = [pa.field(feature.name, _type(feature), nullable=False) for feature in plan.features]
    fields += [
        pa.field(name, _ARROW[dtype], nullable=False) for name, dtype in INDEX_FEATURES.items()
    ]
    told = {feature.name: _hugging_face(feature) for feature in plan.features} | {
        name: {"dtype": dtype, "_type": "Value"} for name, dtype in INDEX_FEATURES.items()
    }
    document = orjson.dumps({"info": {"features": told}})
    return pa.schema(fields, metadata={b"huggingface": document})


def rows(
    plan: SignalPlan, schema: pa.Schema, episode: GridEpisode, first: int, task: int, fps: int
) -> pa.Table:
    """An episode's rows.

    Args:
        plan: of the data set.
        schema: from `arrow_schema`.
        episode: N steps.
        first: index of its first row in the data set.
        task: index of its task.
        fps: steps a second.
    """
    count = episode.steps
    frame = np.arange(count, dtype=np.int64)
    arrays = [_array(feature, episode.columns[feature.name]) for feature in plan.features]
    arrays += [
        pa.array((frame / fps).astype(np.float32)),
        pa.array(frame),
        pa.array(np.full(count, episode.index, np.int64)),
        pa.array(first + frame),
        pa.array(np.full(count, task, np.int64)),
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def index_planes(
    episode: GridEpisode, first: int, task: int, fps: int
) -> dict[str, npt.NDArray[np.generic]]:
    """The index features as planes [1, N], for their statistics."""
    frame = np.arange(episode.steps, dtype=np.int64)
    return {
        "timestamp": (frame / fps).astype(np.float32)[None],
        "frame_index": frame[None],
        "episode_index": np.full_like(frame, episode.index)[None],
        "index": (first + frame)[None],
        "task_index": np.full_like(frame, task)[None],
    }


def scalars(plan: SignalPlan, table: pa.Table) -> pa.Table:
    """Rows whose vectors are columns of their own: `observation.state.left_elbow_joint`."""
    names = {feature.name: feature.names for feature in plan.features}
    columns: dict[str, pa.Array] = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if not pa.types.is_fixed_size_list(column.type):
            columns[name] = column
            continue
        flat = column.flatten().to_numpy(zero_copy_only=False)
        planes = np.ascontiguousarray(flat.reshape(-1, len(names[name])).T)
        columns |= {
            f"{name}.{own}": pa.array(plane) for own, plane in zip(names[name], planes, strict=True)
        }
    return pa.table(columns)


def planes_of(table: pa.Table, feature: Feature) -> npt.NDArray[np.generic]:
    """A feature's numbers out of rows, as vectors or as scalars. Returns [S, N]."""
    if feature.name not in table.column_names:
        own = [table[f"{feature.name}.{name}"] for name in feature.names]
        return np.stack([column.to_numpy(zero_copy_only=False) for column in own])
    column = table[feature.name].combine_chunks()
    if len(feature.names) == 1:
        return np.asarray(column.to_numpy(zero_copy_only=False))[None]
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(flat.reshape(-1, len(feature.names)).T)


def _type(feature: Feature) -> pa.DataType:
    one = _ARROW[feature.dtype]
    if len(feature.names) == 1:
        return one
    return pa.list_(pa.field("item", one, nullable=False), len(feature.names))


def _array(feature: Feature, planes: npt.NDArray[np.generic]) -> pa.Array:
    if len(planes) == 1:
        return pa.array(planes[0])
    flat = pa.array(np.ascontiguousarray(planes.T).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, type=_type(feature))


def _hugging_face(feature: Feature) -> dict[str, Any]:
    value = {"dtype": feature.dtype, "_type": "Value"}
    if len(feature.names) == 1:
        return value
    return {"feature": value, "length": len(feature.names), "_type": "Sequence"}
