"""The stream worker: a Faust app over every vendor's raw topic, `python -m streams.app`."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import mode.loop
import structlog

mode.loop.use("uvloop")

import faust  # noqa: E402  (the event loop must be chosen before Faust is imported)
from faust.types import TP  # noqa: E402

from schemas.settings import Settings  # noqa: E402
from schemas.topics import MAX_RECORD_BYTES, raw_topic  # noqa: E402
from schemas.vendors import load_vendors  # noqa: E402
from streams.batches import Skipped  # noqa: E402
from streams.chunk import compile_all  # noqa: E402
from streams.folding import Fetched, FoldingTransport  # noqa: E402
from streams.in_work import InWork  # noqa: E402
from streams.measure import Measure  # noqa: E402
from streams.publisher import Publisher  # noqa: E402
from streams.refusals import PauseRule  # noqa: E402
from streams.restore import KafkaLog  # noqa: E402
from streams.warm import warm  # noqa: E402
from streams.watchdog import Watchdog  # noqa: E402
from streams.worker import Worker  # noqa: E402

GROUP = "streams"

log = structlog.get_logger()


def build_app(settings: Settings) -> faust.App:
    """The Faust app of one worker process; it takes part in the group `streams`."""
    bootstrap = settings.require_kafka()
    only = [name for name in settings.vendors.split(",") if name]
    vendors = load_vendors(settings.profiles_dir, only)
    processors = compile_all(vendors)
    warm()
    app = faust.App(
        GROUP,
        broker=[f"kafka://{address}" for address in bootstrap.split(",")],
        consumer_group_instance_id=f"{GROUP}-{settings.worker}",
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_RECORD_BYTES,
        broker_max_poll_records=200,
        broker_commit_interval=0.5,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=2.0,
        stream_buffer_maxsize=16,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        datadir=settings.home / "faust",
        reply_create_topic=False,
    )
    app.transport = FoldingTransport(app.conf.broker_consumer, app)
    raw = app.topic(*(raw_topic(name) for name in vendors.names), value_type=None, key_type=None)
    in_work = InWork(settings.home / f"worker-{settings.worker}.in-work")
    # Native code that ends the process leaves a traceback; the next one tells it.
    faulthandler.enable(in_work.fatal)
    rule = PauseRule(settings.pause_refusals, settings.pause_s)
    measure = Measure(settings.metrics_port, settings.metrics_host)

    def skipped(tp: TP, batch: Skipped) -> None:
        measure.skipped(tp.topic, batch.end - batch.first)

    Fetched.skipped = staticmethod(skipped)

    def make_worker(publisher: Publisher) -> Worker:
        source = KafkaLog(bootstrap)
        return Worker(source, processors, publisher, measure, in_work, rule, settings.partitions)

    wire(app, raw, bootstrap, make_worker)
    # What is here now stays: no later collection has to walk through it.
    gc.collect()
    gc.freeze()
    log.info(
        "stream worker",
        worker=settings.worker,
        broker=bootstrap,
        profiles=sorted(processors),
        python=sys.version.split()[0],
        faust=faust.__version__,
    )
    return app


def wire(
    app: faust.App, raw: Any, bootstrap: str, make_worker: Callable[[Publisher], Worker]
) -> None:
    """Connect Faust's consumer to a worker: folds in, commits out, revoked partitions away."""
    workers: list[Worker] = []

    def worker() -> Worker:
        if not workers:
            workers.append(make_worker(Publisher(bootstrap, asyncio.get_running_loop())))
            Watchdog(bootstrap, workers[0].progress, workers[0].blame)
        return workers[0]

    def committable() -> Mapping[TP, int]:
        places = worker().committable(app.consumer_generation_id) if workers else {}
        return {TP(*place): offset for place, offset in places.items()}

    def held() -> frozenset[TP]:
        return frozenset(TP(*place) for place in workers[0].held()) if workers else frozenset()

    @app.on_partitions_revoked.connect(weak=False)
    async def revoked(_app: Any, partitions: Sequence[TP], **_: Any) -> None:
        worker().forget([(tp.topic, tp.partition) for tp in partitions])

    @app.on_partitions_assigned.connect(weak=False)
    async def assigned(_app: Any, partitions: Collection[TP], **_: Any) -> None:
        worker().keep([(tp.topic, tp.partition) for tp in partitions])

    @app.task
    async def checkpoints() -> None:
        app.consumer.committable = committable
        app.consumer.held = held
        await worker().write_checkpoints()

    @app.agent(raw)
    async def work(stream: Any) -> None:
        async for event in stream.noack().events():
            await worker().take(event.value)


def main() -> None:
    """Run one worker until it is told to stop."""
    logging.basicConfig(level=logging.WARNING)
    # Faust sets up logging anew; aiokafka would make a record of every fetch, to be thrown away.
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    app = build_app(Settings())
    faust.Worker(
        app, loglevel="WARNING", redirect_stdouts=False, quiet=True
    ).execute_from_commandline()


if __name__ == "__main__":
    main()
