"""Files of joint motion and of canonical motion, .npz: read and checked, written."""

from __future__ import annotations

import difflib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.body import DOFS, SEGMENTS
from schemas.embodiment import Embodiment
from streams.body_plan import CanonicalBody

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


# float32 quaternions are unit to 1e-7; what is off by more was not meant to be a rotation.
_UNIT = 1e-3
_MAKES = ("limb_names", "limb_make")


class MotionFileError(RuntimeError):
    """A file that is not what it should be; the message says in what."""


@dataclass(frozen=True, slots=True)
class JointMotion:
    """Joint values of one robot.

    Attributes:
        joint_names: [J] joints of the model, any subset.
        position_rad: [T, J] rad, m for joints that slide; NaN = not there in that frame.
        t_ns: [T].
    """

    joint_names: tuple[str, ...]
    position_rad: F64
    t_ns: I64


@dataclass(frozen=True, slots=True)
class CanonicalMotionFile:
    """What `kinebus canonicalise` wrote, as far as retargeting reads it; shapes as there.

    `limb_makes` says by which geometry the motion was shown; a file without it is read as any
    robot's.
    """

    angle: NDArray[np.float32]
    status: NDArray[np.uint8]
    segment_quat: F64
    t_ns: I64
    limb_makes: Mapping[str, str]


def read_joint_motion(path: Path, robot: Embodiment) -> JointMotion:
    """Read `joint_names`, `position_rad` [T, J], `t_ns` [T] of a robot's motion."""
    held = _read(path, ("joint_names", "position_rad", "t_ns"))
    names = _texts(held["joint_names"])
    for name in names:
        if name not in robot.joint_index:
            near = difflib.get_close_matches(name, robot.joint_index, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise MotionFileError(f"{path}: {robot.id} has no joint named {name!r}{hint}")
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise MotionFileError(f"{path}: listed twice in joint_names: {', '.join(twice)}")
    position = _numbers(path, held, "position_rad")
    frames = _shape(path, "position_rad", position, (None, len(names)))
    return JointMotion(names, position, _times(path, held, frames))


def read_canonical_motion(path: Path) -> CanonicalMotionFile:
    """Read a file that `kinebus canonicalise` wrote."""
    named = {"dof_names": DOFS, "segment_names": SEGMENTS}
    held = _read(path, (*named, "angle", "status", "segment_quat", "t_ns"), _MAKES)
    for field, expected in named.items():
        if _texts(held[field]) != expected:
            raise MotionFileError(f"{path}: {field} are not those of the canonical body")
    angle, quat = _numbers(path, held, "angle"), _numbers(path, held, "segment_quat")
    frames = _shape(path, "angle", angle, (None, len(DOFS)))
    _shape(path, "status", held["status"], (frames, len(DOFS)))
    if held["status"].dtype.kind not in "iu":
        raise MotionFileError(f"{path}: status are no integers, but {held['status'].dtype}")
    _shape(path, "segment_quat", quat, (frames, len(SEGMENTS), 4))
    if (np.abs(np.linalg.norm(quat, axis=2) - 1.0) > _UNIT).any():
        raise MotionFileError(
            f"{path}: segment_quat are no unit quaternions (NaN is a segment that is absent)"
        )
    return CanonicalMotionFile(
        angle.astype(np.float32),
        np.ascontiguousarray(held["status"], dtype=np.uint8),
        quat,
        _times(path, held, frames),
        dict(zip(*(_texts(held[field]) for field in _MAKES), strict=False))
        if set(_MAKES) <= set(held)
        else {},
    )


def canonical_arrays(
    body: CanonicalBody, t_ns: I64, limb_makes: Mapping[str, str]
) -> dict[str, NDArray[np.generic]]:
    """Fields of a canonical file; all geometry is in the pelvis frame."""
    return {
        "dof_names": np.array(DOFS),
        "angle": body.angle,
        "status": body.status,
        "segment_names": np.array(SEGMENTS),
        "segment_quat": body.segment_quat,
        "segment_status": body.segment_status,
        "key_position_m": body.key_position_m,
        "hand_pose": body.hand_pose,
        "foot_pose": body.foot_pose,
        "t_ns": t_ns,
        "limb_names": np.array(list(limb_makes), dtype=np.str_),
        "limb_make": np.array(list(limb_makes.values()), dtype=np.str_),
    }


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write an .npz under exactly this name."""
    try:
        with path.open("wb") as file:
            np.savez(file, **dict(arrays))  # type: ignore[arg-type]
    except OSError as error:
        raise MotionFileError(f"cannot write {path}: {error.strerror or error}") from error


def _read(
    path: Path, fields: tuple[str, ...], others: tuple[str, ...] = ()
) -> dict[str, NDArray[np.generic]]:
    """The fields a file must hold, and those of the others that it does."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise MotionFileError(f"{path} is no .npz with named arrays")
            if missing := [field for field in fields if field not in file]:
                raise MotionFileError(
                    f"{path} lacks {', '.join(missing)}; it holds {', '.join(file) or 'nothing'}"
                )
            return {field: file[field] for field in (*fields, *others) if field in file}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MotionFileError(f"cannot read {path}: {error}") from error


def _texts(array: NDArray[np.generic]) -> tuple[str, ...]:
    """Names as written: text, or bytes of it."""
    return tuple(
        name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
        for name in array.ravel()
    )


def _numbers(path: Path, held: Mapping[str, NDArray[np.generic]], field: str) -> F64:
    if held[field].dtype.kind not in "fiu":
        raise MotionFileError(f"{path}: {field} are no numbers, but {held[field].dtype}")
    return np.ascontiguousarray(held[field], dtype=np.float64)


def _times(path: Path, held: Mapping[str, NDArray[np.generic]], frames: int) -> I64:
    if held["t_ns"].dtype.kind not in "iu":
        raise MotionFileError(f"{path}: t_ns are no integers, but {held['t_ns'].dtype}")
    _shape(path, "t_ns", held["t_ns"], (frames,))
    return np.ascontiguousarray(held["t_ns"], dtype=np.int64)


def _shape(
    path: Path, field: str, array: NDArray[np.generic], expected: tuple[int | None, ...]
) -> int:
    """Length of the first axis, once the shape is the expected one (None = any)."""
    fits = array.ndim == len(expected) and all(
        want in (None, have) for want, have in zip(expected, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("T" if n is None else str(n) for n in expected)
        raise MotionFileError(f"{path}: {field} is {list(array.shape)}, not [{wanted}]")
    return int(array.shape[0])
