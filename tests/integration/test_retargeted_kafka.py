"""Frames in another robot's joints, through a real Kafka: each once, where its robot is."""

from __future__ import annotations

import pytest

from deploy.create_topics import create_topics
from schemas.embodiment import load_embodiment
from schemas.retargeted import decode_retargeted
from schemas.topics import TopicSpec, all_topics, retargeted_topic
from sinks.publisher import Publisher
from sinks.retargeted.sink import RetargetSink
from sinks.topic_reader import Start, read
from streams.retarget_plan import compile_target
from tests import make
from tests.lake_make import simulated
from tests.sink_rig import committed, following, send, unique, wait_until

pytestmark = pytest.mark.kafka


def test_what_goes_in_comes_out_in_another_robots_joints(kafka: str) -> None:
    topic, group = unique("frames"), unique("retarget")
    create_topics(kafka, [*all_topics([], 4, targets=["unitree_h1"]), TopicSpec(topic, 4)])
    outputs = [
        (seed, out)
        for seed in (1, 2)
        for out in make.run(simulated("unitree", seed, 60).records)[1]
        if out.topic == "canonical.frames"
    ]
    h1 = compile_target(load_embodiment("unitree_h1"))
    with following(
        kafka,
        group,
        [topic],
        lambda follower: RetargetSink(
            [h1], make.vendors().by_profile.__getitem__,
            Publisher(kafka, group, follower.patience),
        ),
    ):  # fmt: skip
        send(kafka, [(topic, seed, out.key, None, out.value) for seed, out in outputs])
        wait_until(
            lambda: committed(kafka, group, topic, 4) == len(outputs),
            "every frame retargeted, the sessions over",
        )
    found = {}
    for record in read(kafka, {retargeted_topic("unitree_h1"): Start(beginning=True)}):
        told = decode_retargeted(record.value or b"")
        if told.robot in ("unitree/unit-1", "unitree/unit-2"):
            assert record.place.partition == int(told.robot[-1])
            assert record.key == told.robot.encode()
            found[told.robot, told.sequence] = told
        if len(found) == 40:
            break
    assert {told.joints for told in found.values()} == {h1.joint_names}
