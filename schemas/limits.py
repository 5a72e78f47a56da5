"""How large anything from outside may be; past these, decoding does not begin."""

from __future__ import annotations

MAX_FRAMES = 64
"""Frames in a chunk."""

MAX_BLOCK_VALUE_BYTES = 64 * 1024
"""Bytes of an Avro value."""

MAX_JSON_VALUE_BYTES = 512 * 1024
"""Bytes of a JSON value, or of an Avro value made of records instead of blocks."""

MAX_CHANNELS = 192
"""Channels of a robot."""

MAX_ID_CHARS = 128
"""Characters of a robot, task, operator or station name."""

MAX_DETAIL_CHARS = 500
"""Characters of the sentence that says why a record was refused: it may quote what came."""

MAX_SEQUENCE = 10**10
"""Records of a session: what the ten digits in an object's key hold; 15 years at 20 a second."""

MAX_FRAME_INDEX = 10**12
"""Frames of a session: the twelve digits of a key; 31 years at 1 kHz."""

MAX_NS = 2**62
"""Times and clock offsets stay below it, so that differences of two fit an int64."""

MAX_INFLATED_BYTES = 24 * 1024 * 1024
"""Bytes of a record batch once it is unpacked: three of the largest records, and no bomb."""
