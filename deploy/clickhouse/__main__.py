"""Serves chdb on loopback: `python -m deploy.clickhouse --path FOLDER --port PORT`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from deploy.clickhouse.engine import Engine, FolderInUseError
from deploy.clickhouse.limits import Limits
from deploy.clickhouse.server import ClickHouseServer

_GRACE_S = 5.0


def main() -> None:
    """Serve until SIGTERM or SIGINT; then let what is being written finish."""
    parser = argparse.ArgumentParser(prog="python -m deploy.clickhouse", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="folder of the data")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument(
        "--read-seconds", type=int, default=Limits.read_seconds, help="cap of one read"
    )
    arguments = parser.parse_args()
    path = arguments.path.resolve()
    try:
        engine = Engine(path, Limits(read_seconds=arguments.read_seconds))
    except FolderInUseError as error:
        sys.exit(str(error))
    server = ClickHouseServer(arguments.port, engine)
    for signum in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for serve_forever(), which this very thread runs.
        signal.signal(signum, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"chdb {engine.version} on http://127.0.0.1:{arguments.port}, data in {path}", flush=True)
    server.serve_forever(poll_interval=0.1)
    if server.wait_idle(_GRACE_S):
        engine.close()
    sys.stdout.flush()
    # A read that is still running would hold up the interpreter's own end for as long as it takes.
    os._exit(0)


if __name__ == "__main__":
    main()
