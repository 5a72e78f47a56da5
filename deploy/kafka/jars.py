"""Fetches Kafka's jars from Maven Central once: `python -m deploy.kafka.jars`."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.cache import cache_dir

POM = Path(__file__).with_name("pom.xml")
_TIMEOUT_S = 600


class JarsMissingError(RuntimeError):
    """The jars are not there and could not be fetched."""


def kafka_version() -> str:
    """The version that the pom names."""
    match = re.search(r"<kafka\.version>([^<]+)</kafka\.version>", POM.read_text())
    if match is None:
        raise JarsMissingError(f"{POM} names no kafka.version")
    return match.group(1)


def jars_dir() -> Path:
    """Where the jars of this very pom lie once fetched: another pom is another folder."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    return cache_dir() / f"kafka-{kafka_version()}-{digest}"


def jars_present() -> bool:
    """Whether nothing need be fetched."""
    return any(jars_dir().glob("kafka_*.jar"))


def fetch_jars() -> Path:
    """The folder with Kafka's jars, fetched if it is not there yet.

    Raises:
        JarsMissingError: no Maven, or Maven could not fetch them.
    """
    target = jars_dir()
    if jars_present():
        return target
    maven = shutil.which("mvn")
    if maven is None:
        raise JarsMissingError(
            "Maven is needed once to fetch Kafka's jars: run `make setup`, or install it "
            "(Debian: apt-get install maven), or name a running broker in KAFKA_BOOTSTRAP"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars_present():
            _fetch(maven, target)
    return target


def _fetch(maven: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="kafka-fetch-") as scratch:
        arriving = Path(scratch) / "jars"
        arriving.mkdir()
        # Maven writes a `target` folder beside the pom, which may be read-only package data.
        pom = shutil.copy(POM, scratch)
        command = [maven, "-q", "-B", "-f", pom, "dependency:copy-dependencies"]
        try:
            run = subprocess.run(
                [*command, f"-DoutputDirectory={arriving}"],
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise JarsMissingError(
                f"Maven did not fetch Kafka's jars within {_TIMEOUT_S} s: check the network, "
                "then run `make setup` again"
            ) from error
        if run.returncode != 0:
            raise JarsMissingError(
                "Maven could not fetch Kafka's jars: check the network and ~/.m2/settings.xml, "
                f"then run `make setup` again\n{(run.stdout + run.stderr)[-3000:]}"
            )
        # One rename, so that an interrupted fetch is never taken for a complete one.
        arriving.replace(target)


if __name__ == "__main__":
    print(fetch_jars())
