"""What is missing on this machine to run the local stack, and what to do about it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

import psutil

from deploy.containers import find_docker
from deploy.kafka.jars import jars_dir, jars_present
from deploy.kafka.java import JavaMissingError, find_java
from deploy.ports import NoFreePortError, free_port
from schemas.settings import Settings

_GIB = 1024**3
NEEDED_DISK_BYTES = 5 * _GIB
NEEDED_MEMORY_BYTES = 3 * _GIB
_MODULES = {
    "streams": ("faust", "numba", "uvloop"),
    "sinks": ("clickhouse_connect", "obstore", "pyarrow"),
    "local": ("chdb", "psutil"),
}
_STREAMS = Path(__file__).parent.parent / "streams"


class Verdict(StrEnum):
    """How a finding bears on running the local stack."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what there is, and what to do where that is not enough."""

    name: str
    verdict: Verdict
    detail: str
    advice: str = ""


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at everything a stack with these settings needs. Changes nothing."""
    return (
        python_finding(sys.version_info[:2], sys.executable),
        *broker_findings(settings.kafka_bootstrap),
        chdb_finding(settings.clickhouse_url),
        *extras_findings(),
        disk_finding(settings.home, _free_bytes(settings.home)),
        memory_finding(psutil.virtual_memory().available),
        ports_finding(),
        kernels_finding(Path(os.environ.get("NUMBA_CACHE_DIR", _STREAMS))),
        docker_finding(),
    )


def healthy(findings: tuple[Finding, ...]) -> bool:
    """Whether nothing is missing."""
    return all(finding.verdict is not Verdict.MISSING for finding in findings)


def python_finding(version: tuple[int, ...], executable: str) -> Finding:
    """Python 3.11 or newer; Debian's own build is the faster one."""
    detail = f"{'.'.join(map(str, version))}, {Path(executable).resolve()}"
    if version < (3, 11):
        return Finding("python", Verdict.MISSING, detail, "install Python 3.11, then `make setup`")
    return Finding("python", Verdict.OK, detail)


def broker_findings(bootstrap: str | None) -> list[Finding]:
    """A broker that is given, or all that the embedded one needs."""
    if bootstrap:
        return [Finding("broker", Verdict.OK, f"KAFKA_BOOTSTRAP={bootstrap}")]
    findings = [java_finding()]
    maven = shutil.which("mvn")
    if jars_present():
        findings.append(Finding("kafka jars", Verdict.OK, str(jars_dir())))
    elif maven:
        advice = "`make setup` fetches them; so does the first start"
        findings.append(Finding("kafka jars", Verdict.NOTE, "not fetched yet", advice))
    else:
        advice = "run `make setup`, or install it (Debian: apt-get install maven)"
        findings.append(Finding("maven", Verdict.MISSING, "needed once, for Kafka's jars", advice))
    return findings


def java_finding() -> Finding:
    """A Java that can run Kafka."""
    try:
        java = find_java()
    except JavaMissingError as error:
        return Finding("java", Verdict.MISSING, "none that is new enough", str(error))
    return Finding("java", Verdict.OK, f"{java.major}, {java.program}")


def chdb_finding(clickhouse_url: str | None) -> Finding:
    """A ClickHouse that is given, or chdb: tried in a process of its own, for it is large."""
    if clickhouse_url:
        return Finding("clickhouse", Verdict.OK, "CLICKHOUSE_URL is set")
    command = [sys.executable, "-c", "import chdb; print('.'.join(map(str, chdb.chdb_version)))"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if run.returncode != 0:
        reason = (run.stderr.strip().splitlines() or ["does not load"])[-1]
        advice = "run `make setup` (or pip install 'kinebus[local]'), or set CLICKHOUSE_URL"
        return Finding("chdb", Verdict.MISSING, reason, advice)
    return Finding("chdb", Verdict.OK, run.stdout.strip())


def _is_here(module: str) -> bool:
    """Whether a module can be imported; one that is imported may have lost its spec (Faust's)."""
    return module in sys.modules or find_spec(module) is not None


def extras_findings() -> list[Finding]:
    """The optional parts of the package that the stack's processes are made of."""
    findings = []
    for extra, modules in _MODULES.items():
        absent = [module for module in modules if not _is_here(module)]
        if absent:
            detail = f"{', '.join(absent)} not installed"
            advice = f"run `make setup`, or pip install 'kinebus[{extra}]'"
            findings.append(Finding(f"extra {extra}", Verdict.MISSING, detail, advice))
        else:
            findings.append(Finding(f"extra {extra}", Verdict.OK, "installed"))
    return findings


def disk_finding(folder: Path, free_bytes: int) -> Finding:
    """Room for the log, ClickHouse and the lake."""
    detail = f"{free_bytes / _GIB:.1f} GiB free for {folder}"
    if free_bytes < NEEDED_DISK_BYTES:
        advice = f"free {NEEDED_DISK_BYTES // _GIB} GiB, or set KINEBUS_HOME to a larger disk"
        return Finding("disk", Verdict.MISSING, detail, advice)
    return Finding("disk", Verdict.OK, detail)


def memory_finding(available_bytes: int) -> Finding:
    """Memory for broker, ClickHouse, a worker and the sinks side by side."""
    detail = f"{available_bytes / _GIB:.1f} GiB available"
    if available_bytes < NEEDED_MEMORY_BYTES:
        advice = (
            f"the whole stack takes about {NEEDED_MEMORY_BYTES // _GIB} GiB: end other programs, "
            "or use a broker and a ClickHouse elsewhere (KAFKA_BOOTSTRAP, CLICKHOUSE_URL)"
        )
        return Finding("memory", Verdict.NOTE, detail, advice)
    return Finding("memory", Verdict.OK, detail)


def ports_finding() -> Finding:
    """Whether a server can listen on loopback."""
    try:
        free_port()
    except NoFreePortError as error:
        return Finding("ports", Verdict.MISSING, "none free on 127.0.0.1", str(error))
    return Finding("ports", Verdict.OK, "free ones on 127.0.0.1")


def kernels_finding(cache: Path) -> Finding:
    """Whether numba's kernels are compiled already."""
    if any(cache.rglob("*.nbi")):
        return Finding("kernels", Verdict.OK, "compiled and cached")
    advice = (
        "`make setup` compiles them (python -m streams.warm); else the first start takes longer"
    )
    return Finding("kernels", Verdict.NOTE, "not compiled yet", advice)


def docker_finding() -> Finding:
    """Whether containers can stand in; nothing needs them."""
    docker = find_docker()
    return Finding("docker", Verdict.OK if docker.answers else Verdict.NOTE, docker.reason)


def _free_bytes(folder: Path) -> int:
    existing = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    return shutil.disk_usage(existing).free
