"""The S3 that tests write to: versitygw, a real server, where Go can build it once; else moto."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.cache import cache_dir
from deploy.containers import S3
from deploy.ports import free_port
from deploy.service import Service, running

MODULE = "github.com/versity/versitygw/cmd/versitygw@latest"
BUILD_WITHIN_S = 600
KEYS = ("kinebus", "kinebus-secret")


def described() -> str:
    """What `s3_server` will be, in words."""
    if find_versitygw() is not None:
        return "versitygw, a real S3 server"
    if shutil.which("go"):
        return "versitygw, built once with Go (else moto's S3)"
    return "moto's S3: there is no Go to build versitygw with"


def find_versitygw() -> Path | None:
    """The program, where it is installed or was built before."""
    named = shutil.which("versitygw")
    built = cache_dir() / "versitygw" / "versitygw"
    return Path(named) if named else built if built.exists() else None


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """An S3 endpoint that honours conditional puts, its objects below a folder."""
    program = find_versitygw() or _build()
    if program is None:
        with _moto() as server:
            yield server
    else:
        with versitygw(program, folder, free_port()) as server:
            yield server


@contextmanager
def versitygw(program: Path, folder: Path, port: int) -> Iterator[S3]:
    """A real S3 server; started again on the same folder it has the same objects."""
    data = folder / "objects"
    data.mkdir(exist_ok=True)
    service = Service(
        name="versitygw",
        command=(str(program), "--port", f"127.0.0.1:{port}", "posix", str(data)),
        log=folder / "versitygw.log",
        env={"ROOT_ACCESS_KEY": KEYS[0], "ROOT_SECRET_KEY": KEYS[1]},
        ready=lambda: _answers(port),
    )
    with running(service):
        yield S3(f"http://127.0.0.1:{port}", *KEYS)


def _build() -> Path | None:
    """Build versitygw into the cache; None where there is no Go, or it cannot."""
    go = shutil.which("go")
    if go is None:
        return None
    target = cache_dir() / "versitygw"
    target.mkdir(parents=True, exist_ok=True)
    with (target.parent / "versitygw.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find_versitygw() is None:
            subprocess.run(
                [go, "install", MODULE],
                env={**os.environ, "GOBIN": str(target)},
                timeout=BUILD_WITHIN_S,
                check=False,
            )
    return find_versitygw()


@contextmanager
def _moto() -> Iterator[S3]:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = make_server(
        "127.0.0.1", free_port(), DomainDispatcherApplication(create_backend_app), threaded=True
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield S3(f"http://127.0.0.1:{server.port}", "test", "test")
    finally:
        server.shutdown()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
