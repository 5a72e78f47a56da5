"""The parts of supervision that need no process: back-off, logs, the stack's record, settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.backoff import LONGEST_DELAY_S, SETTLED_AFTER_S, Backoff
from deploy.choose import Origin, choose_broker, choose_lake, choose_registry, without_password
from deploy.kafka.properties import LogLimits, Ports, ports_of, render, server_properties
from deploy.logs import bound_log
from deploy.programs import environment, programs
from deploy.stack_file import (
    HomeInUseError,
    ProcessRecord,
    StackRecord,
    hold_home,
    read_stack,
    stack_path,
    write_stack,
)
from deploy.supervisor import Stage, describe_exit
from deploy.ticker import raw_partitions
from schemas.settings import Settings


def record(home: Path) -> StackRecord:
    return StackRecord(
        pid=1,
        started_at=2.5,
        metrics_port=9,
        bootstrap="127.0.0.1:9092",
        clickhouse_url="http://127.0.0.1:8123",
        lake_url=home.as_uri(),
        schema_registry_url=None,
        partitions=4,
        vendors=("a", "b"),
        chosen={"broker": "a broker"},
        processes=(ProcessRecord("ticker", None, 3, "exit 1", 2.0, 0, "ticker.log"),),
    )


def test_a_process_that_keeps_ending_waits_ever_longer_up_to_a_bound() -> None:
    backoff, delays = Backoff(), []
    for _ in range(40):
        backoff = backoff.ended(ran_s=0.0)
        delays.append(backoff.delay_s)
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY_S


def test_a_process_that_ran_long_is_started_again_at_once() -> None:
    tired = Backoff(in_a_row=9)
    assert tired.ended(ran_s=SETTLED_AFTER_S) == Backoff(1)


def test_a_log_is_cut_once_it_is_too_long_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a" * 50 + b"b" * 100)
        bound_log(log, max_bytes=100)
        writer.write(b"after")
        bound_log(log, max_bytes=100)
    assert log.read_bytes() == b"after"
    assert (tmp_path / "one.log.1").read_bytes() == b"b" * 100
    bound_log(tmp_path / "absent.log")


def test_a_stack_is_read_only_while_it_is_held(tmp_path: Path) -> None:
    assert read_stack(tmp_path) is None
    with hold_home(tmp_path):
        assert read_stack(tmp_path) is None
        write_stack(tmp_path, record(tmp_path))
        assert read_stack(tmp_path) == record(tmp_path)
        assert json.loads(stack_path(tmp_path).read_text())["processes"][0]["restarts"] == 3
        with pytest.raises(HomeInUseError, match="KINEBUS_HOME"), hold_home(tmp_path):
            pass
    assert not stack_path(tmp_path).exists()


def test_what_a_killed_stack_left_behind_is_not_believed(tmp_path: Path) -> None:
    with hold_home(tmp_path):
        pass
    write_stack(tmp_path, record(tmp_path))
    assert read_stack(tmp_path) is None


def test_settings_survive_the_way_through_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(kafka_bootstrap="127.0.0.1:1", home=tmp_path, partitions=7, vendors="a,b")
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_producers_stop_first_and_names_are_unique() -> None:
    chosen = list(programs(workers=3, sinks=True, dashboard=True))
    names = [program.name for program in chosen]
    assert names[:4] == ["ticker", "worker-0", "worker-1", "worker-2"]
    assert len(set(names)) == len(names) == 9
    assert [program.worker for program in chosen[1:4]] == [0, 1, 2]
    assert list(Stage) == [Stage.PRODUCER, Stage.WORKER, Stage.SINK, Stage.STORE, Stage.LOG]
    assert "sink-retarget" not in names
    played = programs(workers=1, sinks=False, dashboard=False, retarget=True)
    assert [program.name for program in played] == ["ticker", "worker-0", "sink-retarget"]
    bare = programs(workers=1, sinks=False, dashboard=False)
    assert [program.name for program in bare] == ["ticker", "worker-0"]


def test_only_raw_partitions_are_ticked() -> None:
    counts = {"raw.b": 1, "canonical.frames": 4, "raw.a": 2, "dead-letter.a": 2}
    assert raw_partitions(counts) == (("raw.a", 0), ("raw.a", 1), ("raw.b", 0))


def test_exit_codes_in_words() -> None:
    assert describe_exit(0) == "exit 0"
    assert describe_exit(-9) == "killed by SIGKILL"
    assert describe_exit(70).startswith("exit 70, it met an unexpected error")


def test_what_is_given_is_chosen_and_printed_without_its_password(tmp_path: Path) -> None:
    assert choose_broker("host:1").origin is Origin.GIVEN
    registry = choose_registry("http://me:secret@host:8081")
    assert registry.description == "SCHEMA_REGISTRY_URL=http://me@host:8081"
    assert without_password("http://host:1/a@b") == "http://host:1/a@b"
    lake = choose_lake(None, tmp_path)
    assert lake.address == (tmp_path / "lake").as_uri()


def test_the_ports_of_a_broker_are_found_again() -> None:
    ports = Ports(broker=1234, controller=5678)
    properties = server_properties(Path("data"), ports, LogLimits(retention_bytes=5))
    assert ports_of(render(properties)) == ports
    assert ports_of("listeners=PLAINTEXT://0.0.0.0:9092\n") is None
    assert properties["log.retention.bytes"] == "5"
