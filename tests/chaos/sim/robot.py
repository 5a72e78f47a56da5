"""Robots: the SDK's own sender over a backlog that outlives the process, and a network between."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from producers.sdk.backlog import MemoryBacklog
from producers.sdk.record import Identity
from producers.sdk.sender import Sender
from schemas.envelope import Kind
from schemas.marks import Mark, MarkKind
from tests.chaos.sim.arithmetic import ADDED, FIRST, VENDOR
from tests.chaos.sim.log import PARTITIONS, Log

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass
class Session:
    """What a robot's software did in a session, in order."""

    name: str
    profile: str
    backlog: MemoryBacklog
    told: list[tuple[Kind, int, Mark | bytes]] = field(default_factory=list)


class Network:
    """Takes what a process hands over; a process that dies leaves some of it on the way."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.flying: deque[tuple[tuple[Any, ...], Any]] = deque()

    def produce(self, topic: str, partition: int, key: Any, value: Any, headers: Any, report: Any):
        self.flying.append(((topic, partition, key, value, headers), report))
        return True

    def deliver(self, rng: random.Random, chance_lost: float = 0.0) -> None:
        """The next record arrives and is reported; or fails, with all behind it."""
        if not self.flying:
            return
        if rng.random() < chance_lost:
            failed, self.flying = self.flying, deque()
            for i, (record, report) in enumerate(failed):
                if i == 0 and rng.random() < 0.5:
                    self._log.append(*record)  # It arrived; only the answer was lost.
                report(_Error(), None)
            return
        record, report = self.flying.popleft()
        self._log.append(*record)
        report(None, None)


class _Error(str):
    def str(self) -> str:
        return "timed out"


class Robot:
    """One robot: a script that goes on, a sender that dies and comes back."""

    def __init__(
        self, number: int, log: Log, rng: random.Random, profile: str | None = None
    ) -> None:
        self.name = f"{VENDOR}/r{number}"
        self._log = log
        self._rng = rng
        self._number = number
        self._profile = profile
        self.sessions: list[Session] = []
        self.in_episode = False
        self.zombies: list[deque[Any]] = []
        self._start()
        self.begin()

    def _start(self) -> None:
        """A process begins: it sends what earlier sessions left first."""
        self.network = Network(self._log)
        self.senders: list[Sender] = []
        for session in self.sessions:
            if session.backlog.acknowledged < session.backlog.next_sequence - 1:
                self._sender(session)

    def _sender(self, session: Session) -> Sender:
        identity = Identity(self.name, session.name, session.profile)
        follows = self.senders[-1] if self.senders else None
        link: Any = self.network
        sender = Sender(identity, session.backlog, link, follows=follows)
        sender.pin(PARTITIONS)
        self.senders.append(sender)
        return sender

    def begin(self) -> None:
        """A new session; now and then the robot's clock is set back."""
        age = len(self.sessions) if self._rng.random() < 0.9 else 0
        tail = "".join(self._rng.choices(ALPHABET, k=12))
        name = f"01{age:04d}{self._number:08d}{tail}"
        profile = self._profile or (ADDED if self._rng.random() < 0.2 else FIRST)
        session = Session(name, profile, MemoryBacklog(1 << 30))
        self.sessions.append(session)
        self._sender(session)
        self.in_episode = False
        self.say(Mark(mark=MarkKind.SESSION_START))

    def say(self, mark: Mark, *, last: bool = False) -> None:
        session = self.sessions[-1]
        if mark.mark is MarkKind.SESSION_END:
            mark = mark.model_copy(update={"last_sequence": self.senders[-1].next_sequence})
        sequence = self.senders[-1].submit(Kind.MARK, 0, mark.to_json(), 0.0, last=last)
        session.told.append((Kind.MARK, sequence, mark))

    def move(self) -> None:
        """A chunk of one to three frames, seldom a broken one."""
        value = b"%d" % self._rng.randrange(1_000)
        if self._rng.random() < 0.03:
            value = b"broken " + value
        frames = self._rng.randint(1, 3)
        sequence = self.senders[-1].submit(Kind.CHUNK, frames, value, 0.0)
        self.sessions[-1].told.append((Kind.CHUNK, sequence, value))

    def act(self) -> None:
        """The script's next line."""
        chance = self._rng.random()
        if chance < 0.76:
            self.move()
        elif chance < 0.93:
            fields: dict[str, Any] = {"mark": MarkKind.EPISODE_START, "task": "fold"}
            if self.in_episode and self._rng.random() < 0.9:
                fields = {"mark": MarkKind.EPISODE_END, "aborted": self._rng.random() < 0.2}
            self.in_episode = fields["mark"] is MarkKind.EPISODE_START
            self.say(Mark(**fields))
        elif chance < 0.96:
            self.say(Mark(mark=MarkKind.SESSION_END), last=True)
            self.begin()
        else:
            self.crash(reboot=chance < 0.98)

    def crash(self, *, reboot: bool) -> None:
        """The process dies: of what was on the way, some arrives, some later, some never."""
        flying = self.network.flying
        arrived = self._rng.randint(0, len(flying))
        for _ in range(arrived):
            self._log.append(*flying.popleft()[0])
        if self._rng.random() < 0.3:
            self.zombies.append(flying)
        self._start()
        if reboot:
            self.begin()
        elif not self.senders or self.senders[-1].identity.session != self.sessions[-1].name:
            self._sender(self.sessions[-1])

    def network_step(self, now: float) -> None:
        for sender in self.senders:
            sender.feed(now)
        for _ in range(self._rng.randint(1, 4)):
            self.network.deliver(self._rng, 0.01)

    def wake_zombie(self) -> None:
        """What a dead process had handed over arrives after its successor has sent it again."""
        for record, _ in self.zombies.pop():
            self._log.append(*record)

    def drain(self, now: float) -> None:
        """Everything the robot took arrives."""
        while any(not sender.drained for sender in self.senders):
            for sender in self.senders:
                sender.feed(now)
            now += 2.0
            self.network.deliver(self._rng)
