"""The embedded broker: keeps its data and its port, stops cleanly, dies with its parent."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.choose import Origin, choose_broker
from deploy.kafka.broker import (
    BrokerError,
    BrokerSettings,
    broker_answers,
    new_cluster_id,
    prepare_broker,
    running_broker,
)
from deploy.ports import answers
from deploy.service import ServiceError, running

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(
        choose_broker(None).origin is not Origin.EMBEDDED, reason="no Java or Maven on this machine"
    ),
]


def create(bootstrap: str, topic: str, **config: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    new = NewTopic(topic, num_partitions=1, replication_factor=1, config=config)
    for created in admin.create_topics([new]).values():
        created.result(10)


def publish(bootstrap: str, topic: str, value: bytes) -> None:
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 9 << 20})
    producer.produce(topic, value, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(20) == 0
    assert errors == [None]


def read(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    values: list[bytes | None] = []
    deadline = time.monotonic() + 20
    while len(values) < count and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            values.append(message.value())
    consumer.close()
    return values


def test_a_restart_keeps_data_groups_and_port(tmp_path: Path) -> None:
    settings = BrokerSettings(tmp_path)
    with running_broker(settings) as first:
        create(first, "kept")
        publish(first, "kept", b"one")
    assert not answers(int(first.rpartition(":")[2]))
    with running_broker(settings) as second:
        assert second == first
        publish(second, "kept", b"two")
        assert read(second, "kept", 2) == [b"one", b"two"]


def test_sigkill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    broker = prepare_broker(BrokerSettings(tmp_path))
    with running(broker.service) as process:
        create(broker.bootstrap, "kept")
        publish(broker.bootstrap, "kept", b"one")
        process.kill()
        process.wait()
    with running_broker(BrokerSettings(tmp_path)) as bootstrap:
        assert read(bootstrap, "kept", 1) == [b"one"]


def test_a_topic_may_hold_records_of_8_mb(kafka: str) -> None:
    topic = f"wide-{uuid.uuid4()}"
    create(kafka, topic, **{"max.message.bytes": str(8 << 20)})
    publish(kafka, topic, b"x" * ((8 << 20) - 1024))


def test_topics_are_never_created_by_accident(kafka: str) -> None:
    listed = AdminClient({"bootstrap.servers": kafka}).list_topics("nobody-made-this", timeout=10)
    assert listed.topics["nobody-made-this"].error is not None


def test_a_taken_port_is_said_before_anything_starts(kafka: str, tmp_path: Path) -> None:
    port = int(kafka.rpartition(":")[2])
    with pytest.raises(BrokerError, match=rf"port {port} is taken.*KAFKA_BOOTSTRAP"):
        prepare_broker(BrokerSettings(tmp_path, port=port))


def test_a_folder_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    with (
        running_broker(BrokerSettings(tmp_path)) as bootstrap,
        pytest.raises(BrokerError, match=rf"already.*KAFKA_BOOTSTRAP={bootstrap}"),
    ):
        prepare_broker(BrokerSettings(tmp_path))


def test_a_broker_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    broker = prepare_broker(BrokerSettings(tmp_path))
    (tmp_path / "log" / "meta.properties").write_text("version=1\nnode.id=7\n")
    with (
        pytest.raises(ServiceError, match=r"(?s)kafka ended with exit code.*cluster\.id"),
        running(broker.service),
    ):
        pytest.fail("it started")


def test_a_broker_never_outlives_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path;"
        "from deploy.kafka.broker import *; from deploy.service import *;"
        "broker = prepare_broker(BrokerSettings(Path(sys.argv[1])));"
        "process = spawn(broker.service); wait_until_ready(broker.service, process);"
        "print(process.pid, broker.bootstrap, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    pid, bootstrap = parent.stdout.readline().split()
    broker = psutil.Process(int(pid))
    assert broker.name() == "java"
    assert broker_answers(bootstrap)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    psutil.wait_procs([broker], timeout=10)
    assert not broker.is_running()


def test_a_cluster_id_never_looks_like_an_option() -> None:
    ids = {new_cluster_id() for _ in range(2_000)}
    assert len(ids) == 2_000
    assert all(len(one) == 22 and not one.startswith("-") for one in ids)
