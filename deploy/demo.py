"""The demonstration: robots in front of a running stack, and an account of what arrived where."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.audit.report import AuditReport
from deploy.audit.run import run_audit
from deploy.delays import delays_ms
from deploy.settle import wait_until_following, wait_until_settled
from deploy.stack import Stack
from producers.fleet.plan import plan_fleet
from producers.fleet.run import run_fleet
from producers.recordings.find import find_recordings
from producers.recordings.recording import Recording
from producers.replay import replay
from producers.sdk.link import Link
from producers.sdk.session import Session

FOLLOWING_WITHIN_S = 90.0
SETTLE_WITHIN_S = 180.0

Say = Callable[[str], None]


@dataclass
class Published:
    """What one vendor's robots read and sent, in frames."""

    read: int = 0
    published: int = 0


@dataclass(frozen=True)
class Demonstration:
    """What a demonstration gave: per vendor what was sent and what arrived, and the audit."""

    published: dict[str, Published]
    audit: AuditReport
    delay_ms: dict[str, dict[str, float]]
    stack: dict[str, str] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        """Why it did not succeed; empty when every frame is where it belongs, once."""
        found = [] if self.audit.ok else ["the audit found records missing, doubled or different"]
        for name, sent in self.published.items():
            arrived = self.audit.vendors[name]
            rest = arrived.canonical + sum(arrived.rejected.values())
            if not sent.read == sent.published == rest:
                found.append(f"{name}: {sent.read} frames were read, {rest} came out")
            if not arrived.canonical == arrived.clickhouse == arrived.object_storage:
                found.append(
                    f"{name}: {arrived.canonical} canonical frames, {arrived.clickhouse} in "
                    f"ClickHouse, {arrived.object_storage} in object storage"
                )
        return found

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "ok": not self.problems,
            "problems": self.problems,
            "stack": self.stack,
            "vendors": {
                name: {
                    "read": sent.read,
                    "published": sent.published,
                    "canonical": self.audit.vendors[name].canonical,
                    "clickhouse": self.audit.vendors[name].clickhouse,
                    "object_storage": self.audit.vendors[name].object_storage,
                    "rejected": self.audit.vendors[name].rejected,
                    "episodes": self.audit.vendors[name].episodes,
                    "delay_ms": self.delay_ms.get(name, {"p50": None, "p99": None}),
                }
                for name, sent in sorted(self.published.items())
            },
            "audit": self.audit.document(),
        }


def demonstrate(
    stack: Stack, publish: Callable[[Stack], dict[str, Published]], say: Say
) -> Demonstration:
    """Let robots publish, wait until all of it is at rest, and account for it."""
    say("waiting for the stream workers to follow every raw topic")
    wait_until_following(stack.settings, stack.vendors.names, FOLLOWING_WITHIN_S)
    published = publish(stack)
    wait_until_settled(stack.settings, tuple(published), SETTLE_WITHIN_S, say)
    say("auditing every raw record against topics and stores")
    audit = run_audit(stack.settings)
    delays = delays_ms(stack.bootstrap, stack.settings.partitions)
    return Demonstration(published, audit, delays, dict(stack.record().chosen))


def replay_recordings(folder: Path, say: Say) -> Callable[[Stack], dict[str, Published]]:
    """Publish every recording of a folder as its robot would have, as fast as it goes."""

    def publish(stack: Stack) -> dict[str, Published]:
        recordings = find_recordings(folder)
        counts: dict[str, Published] = {}
        link = Link(stack.bootstrap)

        def open_session(recording: Recording) -> Session:
            profile = stack.vendors.newest(recording.vendor).profile.id
            return Session.open(
                robot=recording.robot,
                profile=profile,
                link=link,
                profiles=stack.settings.profiles_dir,
            )

        try:
            for number, recording in enumerate(recordings, 1):
                say(f"replaying {number}/{len(recordings)} {recording.robot}")
                done = replay(recording, open_session, "max")
                own = counts.setdefault(recording.vendor, Published())
                own.read += done.read_frames
                own.published += done.acknowledged_frames
        finally:
            link.close()
        return counts

    return publish


def simulate_fleet(
    robots: int, seconds: float, say: Say, only: Collection[str] = ()
) -> Callable[[Stack], dict[str, Published]]:
    """Let a simulated fleet work for a while, at its robots' own rates.

    only: vendors to simulate; empty: all there are.
    """

    def publish(stack: Stack) -> dict[str, Published]:
        known = stack.vendors.by_profile.values()
        vendors = [v for v in known if not only or v.profile.vendor in only]
        makers = len({v.profile.vendor for v in vendors})
        plan = plan_fleet(vendors, robots, seconds=seconds)
        say(
            f"{robots} simulated robots of {makers} makers work for {seconds:.0f} s, "
            f"{plan.frames_per_second:,.0f} frames/s"
        )
        counts = run_fleet(
            plan, stack.bootstrap, threading.Event(), profiles=stack.settings.profiles_dir
        )
        return {
            name: Published(own.frames, own.acknowledged_frames)
            for name, own in counts.vendors.items()
        }

    return publish
