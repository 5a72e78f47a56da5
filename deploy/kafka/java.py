"""Finds a Java that can run Kafka."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MINIMUM_JAVA = 17
_DEBIAN_JVMS = Path("/usr/lib/jvm")
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


class JavaMissingError(RuntimeError):
    """No Java that is new enough."""


@dataclass(frozen=True)
class Java:
    """A Java runtime: its program and its major version."""

    program: str
    major: int


def find_java(minimum: int = MINIMUM_JAVA) -> Java:
    """The first Java of at least this major version: JAVA_HOME, PATH, then Debian's folder.

    Raises:
        JavaMissingError: with what was found instead and what to install.
    """
    seen = []
    for program in _candidates():
        major = java_major(program)
        if major is not None and major >= minimum:
            return Java(program, major)
        seen.append(f"{program} ({'does not run' if major is None else major})")
    found = f"found only {', '.join(seen)}" if seen else "found none"
    raise JavaMissingError(
        f"Kafka needs Java {minimum} or newer, {found}: install it "
        f"(Debian: apt-get install openjdk-{MINIMUM_JAVA}-jre-headless) or set JAVA_HOME, "
        "or name a running broker in KAFKA_BOOTSTRAP"
    )


def java_major(program: str) -> int | None:
    """The major version of a Java program; None if it does not run."""
    try:
        run = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(run.stderr + run.stdout)
    return int(match.group(1)) if match else None


def _candidates() -> Iterator[str]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield str(Path(home) / "bin" / "java")
    on_path = shutil.which("java")
    if on_path:
        yield on_path
    yield from sorted(str(java) for java in _DEBIAN_JVMS.glob("*/bin/java"))
