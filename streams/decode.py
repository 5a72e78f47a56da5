"""A vendor's bytes to arrays in SI units, as the profile alone explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.blocks import Block, block_fields, max_value_bytes
from schemas.codec import CodecError, TruncatedError, UnknownIdError, decode_body, schema_of
from schemas.envelope import Envelope
from schemas.limits import MAX_NS
from schemas.profile import CLOCK_NS, Encoding, Layout
from schemas.registry import Registry
from schemas.rejected import Reason, Rejected
from schemas.vendors import Vendor
from streams.base_pose import base_arrays, columns_of, of_width
from streams.layout import (
    PRESENT,
    Fields,
    ShapeError,
    Signal,
    column_fields,
    compile_signals,
)
from streams.sparse import SparseReader, compile_sparse

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

_FAR_NS = float(MAX_NS)


@dataclass(slots=True)
class RawChunk:
    """T frames of C native channels in SI units, row by row, and the vendor's own stamps.

    Attributes:
        stamps: [T] verbatim, None where the vendor has no clock.
        stamp_ns: [T] the same in nanoseconds; frame index over the nominal rate without a clock.
        position: [T, C] rad, m, or 0 open … 1 closed; NaN = no number.
        velocity: [T, C] per second, None = not reported.
        effort: [T, C] N m or N, None = not reported.
        action: [T, C] commanded position, None = not reported.
        absent: [T, C] 1 where the message holds no value; None = all are there.
        temperature: [T, C] °C, None = not reported.
        mode: [T] of the controller, None = not reported.
        hand_position: [T, 3] m, pelvis frame, of the left and the right hand as the vendor says;
            None = not reported.
        base: `base_position`, `base_quaternion` (wxyz), `base_angular_velocity`,
            `base_acceleration`, as far as reported.
    """

    stamps: npt.NDArray[Any] | None
    stamp_ns: I64
    position: F64
    velocity: F64 | None
    effort: F64 | None
    action: F64 | None
    absent: U8 | None
    base: dict[str, F64]
    temperature: F64 | None = None
    mode: F64 | None = None
    hand_position: tuple[F64 | None, F64 | None] = (None, None)


@dataclass(frozen=True)
class Decoder:
    """A profile, made ready to read its vendor's values."""

    vendor: Vendor
    signals: dict[str, Signal]
    blocks: dict[str, Block]
    sparse: SparseReader | None
    limit_bytes: int


def compile_decoder(vendor: Vendor) -> Decoder:
    """Make a profile ready to decode."""
    return Decoder(
        vendor,
        compile_signals(vendor.profile),
        block_fields(vendor.schema.document),
        compile_sparse(vendor.profile),
        max_value_bytes(vendor.schema),
    )


def decode_chunk(
    decoder: Decoder, registry: Registry, value: bytes | None, envelope: Envelope
) -> RawChunk | Rejected:
    """Read a chunk's value; whatever is wrong with it comes back as a value, too."""
    frames = envelope.frames
    if value is None:
        return Rejected(Reason.UNDECODABLE, "the chunk has no value", frames)
    if len(value) > decoder.limit_bytes:
        detail = f"{len(value)} bytes; a chunk has {decoder.limit_bytes} at most"
        return Rejected(Reason.TOO_LARGE, detail, frames)
    try:
        return _decode(decoder, registry, value, envelope)
    except UnknownIdError as error:
        return Rejected(Reason.UNKNOWN_SCHEMA, str(error), frames)
    except TruncatedError as error:
        return Rejected(Reason.TRUNCATED, str(error), frames)
    except CodecError as error:
        return Rejected(Reason.UNDECODABLE, str(error), frames)
    except ShapeError as error:
        return Rejected(Reason.WRONG_SHAPE, str(error), frames)
    except KeyError as error:
        return Rejected(Reason.MISSING_FIELD, f"the value has no field {error}", frames)
    except BadTimeError as error:
        return Rejected(Reason.BAD_TIME, str(error), frames)


class BadTimeError(ValueError):
    """Stamps that are no time at all."""


def _decode(decoder: Decoder, registry: Registry, value: bytes, envelope: Envelope) -> RawChunk:
    vendor = decoder.vendor
    profile = vendor.profile
    schema = schema_of(value, registry)
    if schema.id != vendor.schema.id:
        raise UnknownIdError(
            f"{profile.id} is written with {vendor.schema.name}, not {schema.name}"
        )
    message = decode_body(value, schema)
    if decoder.sparse is not None:
        fields = decoder.sparse.fields(message, envelope.frames)
    else:
        fields = column_fields(vendor, decoder.blocks, message, envelope.frames)
    stamps, stamp_ns = _stamps(decoder, fields, envelope)
    position = decoder.signals["position"].gather(fields)
    controller, hands = profile.controller, profile.hand_position
    return RawChunk(
        stamps=stamps,
        stamp_ns=stamp_ns,
        position=position,
        velocity=_optional(decoder, "velocity", fields),
        effort=_optional(decoder, "effort", fields),
        action=_optional(decoder, "action", fields),
        absent=_absent(decoder, fields, position),
        base=base_arrays(profile.base, fields),
        temperature=_optional(decoder, "temperature", fields),
        mode=None if controller is None else columns_of(controller.mode, fields)[:, 0],
        hand_position=(
            None if hands.left is None else of_width(columns_of(hands.left, fields), 3),
            None if hands.right is None else of_width(columns_of(hands.right, fields), 3),
        ),
    )


def _optional(decoder: Decoder, name: str, fields: Fields) -> F64 | None:
    signal = decoder.signals.get(name)
    return signal.gather(fields) if signal else None


def _absent(decoder: Decoder, fields: Fields, position: F64) -> U8 | None:
    """JSON has no NaN: what is NaN there was null, that is, not in the message."""
    profile = decoder.vendor.profile
    if profile.layout is Layout.SPARSE:
        return np.logical_not(fields[PRESENT]).view(np.uint8)
    if profile.encoding is not Encoding.JSON and profile.missing is None:
        return None
    nothing = np.isnan(position)
    return nothing.view(np.uint8) if nothing.any() else None


def _stamps(
    decoder: Decoder, fields: Fields, envelope: Envelope
) -> tuple[npt.NDArray[Any] | None, I64]:
    clock = decoder.vendor.profile.clock
    if clock.field is None:
        index = envelope.first_frame + np.arange(envelope.frames)
        passed_ns = np.rint(index * (1e9 / decoder.vendor.profile.rate_hz))
        if passed_ns[-1] >= _FAR_NS:
            raise BadTimeError(f"frame {envelope.first_frame} lies beyond all time")
        return None, passed_ns.astype(np.int64)
    stamps = fields[clock.field][:, 0]
    per_unit = CLOCK_NS[clock.unit]
    far = _FAR_NS / per_unit
    first, last = float(stamps.min()), float(stamps.max())
    # A NaN makes both comparisons false.
    if not (first > -far and last < far):
        raise BadTimeError(f"{clock.field} holds a stamp that is no time: {first} … {last}")
    if stamps.dtype.kind == "f":
        return stamps, np.rint(stamps.astype(np.float64) * per_unit).astype(np.int64)
    return stamps, stamps.astype(np.int64) * per_unit
