"""Supervision of real processes: restarts, order of stopping, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.choose import Origin, choose_broker
from deploy.clickhouse.service import clickhouse_answers
from deploy.create_topics import TopicError, create_topics
from deploy.kafka.broker import broker_answers
from deploy.service import Service, ServiceError
from deploy.stack import running_stack
from deploy.stack_file import HomeInUseError, read_stack
from deploy.supervisor import Stage, Supervisor
from schemas.envelope import is_tick
from schemas.settings import Settings
from schemas.topics import TopicSpec, raw_topic

ROOT = Path(__file__).parents[2]
FOR_EVER = "import time; time.sleep(600)"
needs_embedded_kafka = pytest.mark.skipif(
    choose_broker(None).origin is not Origin.EMBEDDED, reason="no Java or Maven on this machine"
)


def python(tmp_path: Path, name: str, program: str, stop_within_s: float = 10.0) -> Service:
    return Service(
        name,
        (sys.executable, "-c", program),
        tmp_path / f"{name}.log",
        stop_within_s=stop_within_s,
    )


def eventually(condition: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.05)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(said.append)
    yield supervisor
    supervisor.stop()


def test_what_dies_is_started_again_and_counted(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    supervisor.add(python(tmp_path, "steady", FOR_EVER), Stage.SINK)()
    supervisor.add(python(tmp_path, "crashing", "raise SystemExit(70)"), Stage.WORKER)
    eventually(lambda: supervisor.states()[1].restarts >= 3)
    first = supervisor.states()[0].pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervisor.states()[0].pid not in (None, first))
    steady, crashing = supervisor.states()
    assert (steady.restarts, steady.last_exit) == (1, "killed by SIGKILL")
    assert crashing.last_exit.startswith("exit 70")
    assert any(line.startswith("steady ended (killed by SIGKILL), is started") for line in said)


def test_services_stop_stage_by_stage_and_the_stubborn_are_killed(tmp_path: Path) -> None:
    order = tmp_path / "order"
    polite = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(order)!r}, 'a').write(sys.argv[0][0] + NAME + ' ')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    )
    stubborn = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\ntime.sleep(600)"
    )
    supervisor = Supervisor()
    for stage in reversed(Stage):
        supervisor.add(python(tmp_path, stage.name, f"NAME = {stage.name!r}\n{polite}"), stage)
    supervisor.add(python(tmp_path, "stubborn", stubborn, stop_within_s=0.5), Stage.WORKER)
    logs = [tmp_path / f"{name}.log" for name in (*Stage.__members__, "stubborn")]
    eventually(lambda: all(log.exists() and log.read_text() == "ready\n" for log in logs))
    pids = [state.pid for state in supervisor.states()]
    supervisor.stop()
    assert order.read_text().split() == ["-" + stage.name for stage in Stage]
    assert supervisor.states()[-1].last_exit == "killed by SIGKILL"
    assert not any(pid is not None and psutil.pid_exists(pid) for pid in pids)


def test_a_service_that_ends_before_it_answers_shows_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    service = python(tmp_path, "broken", "raise SystemExit('no disk left')")
    never = Service(service.name, service.command, service.log, ready=lambda: False)
    with pytest.raises(ServiceError, match=r"(?s)broken ended with exit code 1.*no disk left"):
        supervisor.add(never, Stage.STORE)()


def test_a_stack_runs_is_described_and_leaves_nothing(
    kafka: str, clickhouse: str, tmp_path: Path
) -> None:
    settings = Settings(kafka_bootstrap=kafka, clickhouse_url=clickhouse, home=tmp_path)
    lines: list[str] = []
    with running_stack(settings, workers=0, sinks=False, say=lines.append) as stack:
        assert lines[:2] == [
            f"broker: KAFKA_BOOTSTRAP={kafka}",
            f"clickhouse: CLICKHOUSE_URL={clickhouse}",
        ]
        assert stack.lake_url == (tmp_path / "lake").as_uri()
        assert (tmp_path / "lake").is_dir()
        eventually(lambda: stack.pid("ticker"))
        described = read_stack(tmp_path)
        assert described is not None
        assert described.pid == os.getpid()
        assert [process.name for process in described.processes] == ["ticker"]
        topics = AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=10).topics
        assert {raw_topic(vendor) for vendor in stack.vendors.names} <= topics.keys()
        with pytest.raises(HomeInUseError), running_stack(settings, workers=0, sinks=False):
            pass
        pid = stack.pid("ticker")
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert read_stack(tmp_path) is None


def test_every_raw_partition_is_ticked(kafka: str, clickhouse: str, tmp_path: Path) -> None:
    settings = Settings(kafka_bootstrap=kafka, clickhouse_url=clickhouse, home=tmp_path)
    with running_stack(settings, workers=0, sinks=False) as stack:
        places = [(raw_topic(vendor), p) for vendor in stack.vendors.names for p in range(4)]
        ticks = count_ticks(kafka, places, at_least=2)
    assert min(ticks.values()) >= 2


def count_ticks(
    bootstrap: str, places: list[tuple[str, int]], at_least: int
) -> dict[tuple[str, int], int]:
    """Read from the first offset on, until every partition has given so many ticks."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "watch"})
    consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in places])
    seen = dict.fromkeys(places, 0)
    deadline = time.monotonic() + 30
    while min(seen.values()) < at_least and time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message is not None and message.error() is None:
            place = (str(message.topic()), int(message.partition() or 0))
            seen[place] += is_tick(message.headers())
    consumer.close()
    return seen


def test_topics_are_created_once_and_never_with_another_number(kafka: str) -> None:
    one, two, three = (f"made-{uuid.uuid4()}" for _ in range(3))
    specs = [TopicSpec(one, 2, {"retention.ms": "-1"}), TopicSpec(two, 2)]
    assert create_topics(kafka, specs[:1]) == (one,)
    assert create_topics(kafka, specs) == (two,)
    assert create_topics(kafka, specs) == ()
    with pytest.raises(TopicError, match=f"{one} has 2 partitions.*KINEBUS_PARTITIONS=2"):
        create_topics(kafka, [TopicSpec(one, 3)])
    with pytest.raises(TopicError, match=f"the broker refused {three}"):
        create_topics(kafka, [TopicSpec(three, 1, {"retention.ms": "soon"})])


@pytest.mark.e2e
@needs_embedded_kafka
def test_the_embedded_stack_keeps_its_data_and_dies_with_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from deploy.stack import running_stack;"
        "from schemas.settings import Settings\n"
        "settings = Settings(kafka_bootstrap=None, clickhouse_url=None, home=Path(sys.argv[1]))\n"
        "with running_stack(settings, workers=0, sinks=False) as stack:\n"
        "    print('up', flush=True); time.sleep(600)"
    )

    def start() -> subprocess.Popen[str]:
        parent = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        return parent

    parent = start()
    first = read_stack(tmp_path)
    assert first is not None
    assert broker_answers(first.bootstrap)
    assert clickhouse_answers(first.clickhouse_url)
    assert first.chosen["broker"].startswith("Apache Kafka")
    assert [process.name for process in first.processes] == ["clickhouse", "kafka", "ticker"]
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) == 3
    parent.kill()
    parent.wait()
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert read_stack(tmp_path) is None

    parent = start()
    second = read_stack(tmp_path)
    assert second is not None
    assert second.bootstrap == first.bootstrap
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.send_signal(signal.SIGINT)
    parent.wait(60)
    assert psutil.wait_procs(children, timeout=1)[1] == []
