"""The doctor names what is missing and what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import doctor
from deploy.cache import cache_dir
from deploy.doctor import Finding, Verdict, examine, healthy
from deploy.kafka import java
from schemas.settings import Settings


def test_every_finding_that_is_not_ok_says_what_to_do(tmp_path: Path) -> None:
    findings = examine(Settings(home=tmp_path))
    names = [finding.name for finding in findings]
    assert len(set(names)) == len(names)
    assert {"python", "java", "chdb", "disk", "memory", "ports", "kernels"} <= set(names)
    assert all(f.advice for f in findings if f.verdict is not Verdict.OK and f.name != "docker")


def test_notes_do_not_make_a_machine_unfit() -> None:
    note = Finding("kernels", Verdict.NOTE, "not compiled yet")
    missing = Finding("java", Verdict.MISSING, "none")
    assert healthy((note,))
    assert not healthy((note, missing))


@pytest.mark.parametrize(
    ("finding", "verdict"),
    [
        (doctor.python_finding((3, 10), "/usr/bin/python3"), Verdict.MISSING),
        (doctor.python_finding((3, 13), "/usr/bin/python3"), Verdict.OK),
        (doctor.disk_finding(Path("home"), 10**9), Verdict.MISSING),
        (doctor.disk_finding(Path("home"), 10**11), Verdict.OK),
        (doctor.memory_finding(10**9), Verdict.NOTE),
        (doctor.memory_finding(10**11), Verdict.OK),
        (doctor.kernels_finding(Path("nowhere")), Verdict.NOTE),
        (doctor.chdb_finding("http://127.0.0.1:1"), Verdict.OK),
    ],
)
def test_verdicts(finding: Finding, verdict: Verdict) -> None:
    assert finding.verdict is verdict


def test_a_given_broker_needs_no_java() -> None:
    assert [f.name for f in doctor.broker_findings("host:9092")] == ["broker"]


def test_maven_is_asked_for_only_while_the_jars_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KINEBUS_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = doctor.broker_findings(None)[-1]
    assert (missing.name, missing.verdict) == ("maven", Verdict.MISSING)
    assert "apt-get install maven" in missing.advice
    doctor.jars_dir().mkdir()
    (doctor.jars_dir() / "kafka_2.13-0.jar").touch()
    assert doctor.broker_findings(None)[-1].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("printed", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ("no java here", None),
    ],
)
def test_java_versions_are_read_from_what_java_prints(
    tmp_path: Path, printed: str, major: int | None
) -> None:
    program = tmp_path / "java"
    program.write_text(f"#!/bin/sh\necho '{printed}' >&2\n")
    program.chmod(0o755)
    assert java.java_major(str(program)) == major
    assert java.java_major(str(tmp_path / "absent")) is None


def test_an_old_java_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(java, "_DEBIAN_JVMS", tmp_path / "none")
    with pytest.raises(java.JavaMissingError, match=r"found only .*java \(11\).*openjdk-17"):
        java.find_java()


def test_the_cache_is_where_it_is_said_to_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KINEBUS_CACHE", str(tmp_path / "elsewhere"))
    assert cache_dir() == tmp_path / "elsewhere"
    monkeypatch.delenv("KINEBUS_CACHE")
    assert cache_dir() == Path(__file__).parents[2] / ".cache"
