"""The robots of a chaos run, as one process that may be killed anywhere and goes on.

Each robot has a spool and a journal: behind every call that returned, the journal says how far the
SDK has taken the session. What it says must be at rest in the end. Where the file END lies, all
sessions end and the process waits; it may be killed then, too.
"""

from __future__ import annotations

import argparse
import heapq
import os
import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from producers.fleet.motion import Motion, build_motion
from producers.fleet.plan import RobotPlan, plan_fleet
from producers.fleet.robot import Chunk, EpisodeStart, Event, robot_events
from producers.fleet.vendor_form import VendorLoop, chunk_value, vendor_loop
from producers.sdk.form import Form
from producers.sdk.link import Link
from producers.sdk.session import Session
from producers.sdk.way import Way, WaySettings, open_way
from schemas.settings import Settings
from schemas.vendors import Vendors, load_vendors
from tests.chaos.mischief import MischiefProducer, Odds

END = "end"
ENDED = "ended"
JOURNAL = "journal"
WAIT_S = 60.0


@dataclass(slots=True)
class Robot:
    """One robot while this process lasts."""

    plan: RobotPlan
    loop: VendorLoop
    events: Iterator[Event]
    way: Way
    session: Session
    journal: int
    started_ns: int
    """Unix time of the session's frame 0."""
    before: int
    """Frames of the session that an earlier process sent."""

    @property
    def chunk_s(self) -> float:
        """How long a chunk lasts."""
        return self.plan.chunk_frames / self.plan.rate_hz

    def act(self) -> None:
        """Send up to and with the next chunk."""
        for event in self.events:
            if isinstance(event, Chunk):
                first = self.before + event.first_frame
                value = chunk_value(self.loop, event.start, event.stop, first, self.started_ns)
                self.session.send_chunk(value, event.stop - event.start, timeout=WAIT_S)
                self.note()
                return
            if isinstance(event, EpisodeStart):
                self.session.episode_start(event.span.skill.task, timeout=WAIT_S)
            else:
                self.session.episode_end(event.success, timeout=WAIT_S)
            self.note()

    def note(self) -> None:
        """Journal what the SDK has taken by now; one write, so a kill leaves whole lines."""
        sender = self.way.sender
        line = f"{self.session.id} {sender.next_sequence} {sender.next_frame}\n"
        os.write(self.journal, line.encode())


def plan_robots(
    vendors: Vendors, robots: int, seed: int, frames_per_second: float, chunk_frames: int | None
) -> tuple[RobotPlan, ...]:
    """The robots of a run."""
    plan = plan_fleet(
        list(vendors.by_profile.values()),
        robots,
        seed=seed,
        frames_per_second=frames_per_second,
        chunk_frames=chunk_frames,
    )
    return plan.robots


def loops_of(plans: Sequence[RobotPlan], folder: Path) -> list[tuple[VendorLoop, Motion]]:
    """What each robot plays; made once and kept, so that a killed process is soon back."""
    kept = folder / "loops"
    if kept.exists():
        return list(pickle.loads(kept.read_bytes()))
    made: dict[tuple[str, int], tuple[VendorLoop, Motion]] = {}
    for plan in plans:
        key = (plan.vendor.profile.id, plan.seed)
        if key not in made:
            motion = build_motion(plan.vendor, plan.seed, plan.rate_hz, plan.chunk_frames)
            made[key] = (vendor_loop(plan.vendor, motion, plan.seed), motion)
    loops = [made[plan.vendor.profile.id, plan.seed] for plan in plans]
    draft = kept.with_suffix(".new")
    draft.write_bytes(pickle.dumps(loops))
    draft.replace(kept)
    return loops


def open_robot(
    plan: RobotPlan, loop: VendorLoop, motion: Motion, link: Link, folder: Path
) -> Robot:
    """Open a robot's session, or go on with the one that a kill left in its spool."""
    name = plan.robot.replace("/", "-")
    form = Form(plan.vendor.profile, plan.vendor.schema)
    way = open_way(
        plan.robot, form.profile.id, WaySettings(sync_seconds=None),
        bootstrap=None, link=link, spool=folder / "spool" / name, fresh=False,
    )  # fmt: skip
    (folder / JOURNAL).mkdir(exist_ok=True)
    journal = os.open(folder / JOURNAL / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    before = way.sender.next_frame
    started_ns = time.time_ns() - int(before * 1e9 / plan.rate_hz)
    events = robot_events(loop.frames, motion.spans, plan)
    return Robot(plan, loop, events, way, Session(form, way), journal, started_ns, before)


def move(robots: Sequence[Robot], end: Path) -> None:
    """Let every robot send a chunk whenever one is due, until the file lies there.

    What a stop or a full spool has delayed is not made up for.
    """
    now = time.monotonic()
    queue = [(now + i / len(robots) * robot.chunk_s, i) for i, robot in enumerate(robots)]
    heapq.heapify(queue)
    while not end.exists():
        due, i = queue[0]
        time.sleep(max(0.0, due - time.monotonic()))
        robots[i].act()
        heapq.heapreplace(queue, (max(due + robots[i].chunk_s, time.monotonic() - 1.0), i))


def main() -> None:
    """Send chunks at the set rate until END lies in the folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.robots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--robots", type=int, required=True)
    parser.add_argument("--frames-per-second", type=float, required=True)
    parser.add_argument("--chunk-frames", type=int)
    parser.add_argument("--seed", type=int, required=True)
    told = parser.parse_args()
    settings = Settings()
    make = partial(
        MischiefProducer, seed=told.seed ^ os.getpid(), odds=Odds(), partitions=settings.partitions
    )
    link = Link(settings.require_kafka(), make=make)
    vendors = load_vendors(settings.profiles_dir, [v for v in settings.vendors.split(",") if v])
    plans = plan_robots(vendors, told.robots, told.seed, told.frames_per_second, told.chunk_frames)
    robots = [
        open_robot(plan, *loop, link, told.folder)
        for plan, loop in zip(plans, loops_of(plans, told.folder), strict=True)
    ]
    move(robots, told.folder / END)
    for each in robots:
        each.session.end(timeout=WAIT_S)
        each.note()
    for each in robots:
        each.session.close(WAIT_S)
    (told.folder / ENDED).touch()
    while True:
        time.sleep(1.0)


if __name__ == "__main__":
    main()
