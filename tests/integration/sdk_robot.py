"""A robot's process for tests: sends chunks as fast as it may until it is killed or told to end.

Run as `python -m tests.integration.sdk_robot BOOTSTRAP SPOOL CHUNKS`; prints how many chunks its
SDK has taken, a line each, and "closed" when everything is in Kafka.
"""

from __future__ import annotations

import sys
from pathlib import Path

from producers.sdk.session import Session
from tests.integration.raw_log import PROFILE, ROBOT, chunk


def main() -> None:
    bootstrap, spool, chunks = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    session = Session.open(ROBOT, PROFILE, bootstrap=bootstrap, spool=spool)
    for _ in range(chunks):
        session.send_chunk(chunk(), frames=4, timeout=30.0)
        print(session.chunks, flush=True)
    if session.close(60.0):
        print("closed", flush=True)


if __name__ == "__main__":
    main()
