"""The stream worker with a fault planted in one step: `python -m tests.chaos.planted`.

A chunk whose value holds the poison ends the process: by an exception, or, as native code would,
by a signal that no handler sees.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import streams.step
from streams.app import main

POISON = b"\xa5poison\xa5"
HOW = "KINEBUS_TEST_PLANTED"


def plant(how: str) -> None:
    """Make the step end the process on poison: `error`, or the name of a signal."""
    step = streams.step.process_chunk

    def planted(processor: Any, state: Any, record: Any, envelope: Any, **told: Any) -> Any:
        if POISON in (record.value or b""):
            if how == "error":
                raise ValueError("planted")
            os.kill(os.getpid(), signal.Signals[how])
        return step(processor, state, record, envelope, **told)

    streams.step.process_chunk = planted


if __name__ == "__main__":
    plant(os.environ[HOW])
    main()
