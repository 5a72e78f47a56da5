"""How large anything from outside may be; past these, decoding does not begin."""

from __future__ import annotations

MAX_FRAMES = 64
"""Frames in a chunk."""

MAX_BLOCK_VALUE_BYTES = 64 * 1024
"""Bytes of an Avro value."""

MAX_JSON_VALUE_BYTES = 512 * 1024
"""Bytes of a JSON value, or of an Avro value made of records instead of blocks."""

MAX_CHANNELS = 512
"""Channels of a robot."""

MAX_ID_CHARS = 128
"""Characters of a robot, task, operator or station name."""

MAX_DETAIL_CHARS = 500
"""Characters of the sentence that says why a record was refused: it may quote what came."""
