"""What the supervisor tells Prometheus: how often each process was started again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from deploy.supervisor import Supervisor
from schemas.metrics import PROCESS_RESTARTS


class RestartCollector(Collector):
    """Reads the counts from the supervisor whenever it is asked."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def collect(self) -> Iterator[CounterMetricFamily]:
        """One sample a process."""
        family = CounterMetricFamily(
            PROCESS_RESTARTS, "Restarts by the supervisor.", labels=["process"]
        )
        for state in self._supervisor.states():
            family.add_metric([state.name], state.restarts)
        yield family


@contextmanager
def serving_metrics(port: int, supervisor: Supervisor) -> Iterator[None]:
    """Answer Prometheus on this loopback port for as long as the block lasts."""
    registry = CollectorRegistry()
    registry.register(RestartCollector(supervisor))
    server, thread = start_http_server(port, "127.0.0.1", registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
