"""What every test may ask for, and the account of what the tests ran on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from deploy.choose import Choice, NothingToChooseError, choose_broker, choose_clickhouse
from deploy.containers import find_docker
from tests import s3_server

ROOT = Path(__file__).resolve().parent.parent

# No test asserts a time: a kernel's first call loads or compiles it.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def find_shared() -> Path | None:
    """The folder of real recordings and robots: `KINEBUS_SHARED`, else `shared` beside the repo."""
    named = os.environ.get("KINEBUS_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    return folder.resolve() if (folder / "recordings").is_dir() else None


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real recordings and robots; a test that asks for it is skipped without it."""
    folder = find_shared()
    if folder is None:
        pytest.skip("no shared recordings: set KINEBUS_SHARED to the folder that holds them")
    return folder


def pytest_report_header() -> list[str]:
    """What the tests run on."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return [
        f"interpreter: {python}, {Path(sys.executable).resolve()}",
        f"broker: {_described(choose_broker, 'KAFKA_BOOTSTRAP')}",
        f"clickhouse: {_described(choose_clickhouse, 'CLICKHOUSE_URL')}",
        f"object store: a folder through LocalStore, and {s3_server.described()}",
        f"docker: {_docker()}",
        f"shared: {find_shared() or 'absent, tests that need it are skipped'}",
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, too, what did not run a second time."""
    terminalreporter.write_line(f"docker: {_docker()}")


def _described(choose: Callable[[str | None], Choice], variable: str) -> str:
    try:
        return choose(os.environ.get(variable)).description
    except NothingToChooseError as error:
        return str(error)


def _docker() -> str:
    docker = find_docker()
    return f"{'yes' if docker.answers else 'no'}: {docker.reason}" + (
        "" if docker.answers else "; nothing was run again in containers"
    )
