"""Creates a system's topics: `python -m deploy.create_topics` on the broker of the settings."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from schemas.settings import SettingMissingError, Settings
from schemas.topics import TopicSpec, all_topics
from schemas.vendors import load_vendors

_TIMEOUT_S = 30.0
_BROKER_DEFAULT = -1


class TopicError(RuntimeError):
    """The broker's topics are not what the settings ask for; the message says what to do."""


def create_topics(bootstrap: str, wanted: Iterable[TopicSpec]) -> tuple[str, ...]:
    """Create the topics that are not there and wait until they have leaders.

    Returns:
        The names of those created now.

    Raises:
        TopicError: a topic is there with another number of partitions, or was refused.
    """
    specs = list(wanted)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    there = _partitions(admin)
    for spec in specs:
        if there.get(spec.name, spec.partitions) != spec.partitions:
            raise TopicError(
                f"{spec.name} has {there[spec.name]} partitions and {spec.partitions} are wanted: "
                f"all topics share one number, set KINEBUS_PARTITIONS={there[spec.name]}"
            )
    missing = [spec for spec in specs if spec.name not in there]
    _create(admin, missing)
    _await_leaders(admin, {spec.name for spec in specs})
    return tuple(spec.name for spec in missing)


def _partitions(admin: AdminClient) -> dict[str, int]:
    topics = admin.list_topics(timeout=_TIMEOUT_S).topics
    return {name: len(topic.partitions) for name, topic in topics.items()}


def _create(admin: AdminClient, specs: Sequence[TopicSpec]) -> None:
    if not specs:
        return
    new = [
        NewTopic(spec.name, spec.partitions, replication_factor=_BROKER_DEFAULT, config=spec.config)
        for spec in specs
    ]
    for name, created in admin.create_topics(new, operation_timeout=_TIMEOUT_S).items():
        try:
            created.result(_TIMEOUT_S)
        except KafkaException as error:
            # Another process may create them at the same time.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicError(f"the broker refused {name}: {error.args[0].str()}") from error


def _await_leaders(admin: AdminClient, names: set[str]) -> None:
    """Wait until every partition tells its last offset.

    Metadata name a leader a moment before that leader serves.
    """
    deadline = time.monotonic() + _TIMEOUT_S
    while not _all_serve(admin, names):
        if time.monotonic() > deadline:
            raise TopicError(
                f"some of the topics have no leader after {_TIMEOUT_S:.0f} s: "
                "look at the broker's log"
            )
        time.sleep(0.1)


def _all_serve(admin: AdminClient, names: set[str]) -> bool:
    topics = admin.list_topics(timeout=_TIMEOUT_S).topics
    if not names <= topics.keys():
        return False
    places = [TopicPartition(name, p) for name in names for p in topics[name].partitions]
    asked = admin.list_offsets({place: OffsetSpec.latest() for place in places})
    return all(answer.exception(_TIMEOUT_S) is None for answer in asked.values())


def main() -> int:
    """Create the topics of all vendors on KAFKA_BOOTSTRAP."""
    settings = Settings()
    only = [name for name in settings.vendors.split(",") if name]
    names = load_vendors(settings.profiles_dir, only).names
    try:
        topics = all_topics(names, settings.partitions, targets=settings.retarget_targets)
        created = create_topics(settings.require_kafka(), topics)
    except (SettingMissingError, TopicError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(created))
    return 0


if __name__ == "__main__":
    sys.exit(main())
