"""A robot's spool folder: one folder a session, and which session goes on after a restart."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ulid import ULID

from producers.sdk.record import Identity
from producers.sdk.spool import Spool, SpoolLimits

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STATE = "session.json"
_LOCK = "lock"

log = logging.getLogger("kinebus.sdk")


class SpoolInUseError(RuntimeError):
    """Another process has this spool open."""


@dataclass(frozen=True, slots=True)
class SessionState:
    """What must be known of a session besides its records.

    `number` rises from session to session of a spool: their names follow the robot's clock.
    """

    robot: str
    profile: str
    session: str
    boot_id: str | None
    partitions: int | None = None
    number: int = 0

    @property
    def identity(self) -> Identity:
        """Whose records these are."""
        return Identity(self.robot, self.session, self.profile)


@dataclass(frozen=True, slots=True)
class SpooledSession:
    """A session with its folder and records."""

    folder: Path
    state: SessionState
    spool: Spool

    def pin(self, partitions: int) -> None:
        """Keep the number of partitions for the session's life."""
        write_state(self.folder, replace(self.state, partitions=partitions))

    def remove(self) -> None:
        """Delete a closed session of which Kafka has everything."""
        shutil.rmtree(self.folder)


def new_session() -> str:
    """A fresh session's name."""
    return str(ULID())


def this_boot() -> str | None:
    """What the kernel calls this boot; None where it does not say: then no session is resumed."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else None


def lock_root(root: Path) -> int:
    """Take a spool for this process; returns the descriptor that holds the lock."""
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise SpoolInUseError(f"{root} is in use by another process") from None
    return descriptor


def load_sessions(root: Path, limits: SpoolLimits) -> list[SpooledSession]:
    """Sessions whose records may not all be in Kafka, oldest first."""
    states = [(_read_state(folder), folder) for folder in root.iterdir() if folder.is_dir()]
    known = [(state, folder) for state, folder in states if state is not None]
    found: list[SpooledSession] = []
    for state, folder in sorted(known, key=lambda pair: (pair[0].number, pair[1])):
        spool = Spool(folder, limits, [session.spool for session in found])
        found.append(SpooledSession(folder, state, spool))
    return found


def _read_state(folder: Path) -> SessionState | None:
    """A session's state; None where there is none, or none that can be read: its folder stays."""
    path = folder / _STATE
    if not path.exists():
        return None
    try:
        return SessionState(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        log.error("%s cannot be read: what this session kept is not sent; the folder stays", path)
        return None


def may_resume(found: SpooledSession, robot: str, profile: str, boot_id: str | None) -> bool:
    """Whether a session goes on: same robot, profile and boot, its place known, not ended."""
    state = found.state
    same = (state.robot, state.profile, state.boot_id) == (robot, profile, boot_id)
    return same and boot_id is not None and found.spool.resumable and not found.spool.ended


def begin_session(
    root: Path, state: SessionState, limits: SpoolLimits, earlier: Sequence[SpooledSession]
) -> SpooledSession:
    """Make a session's folder."""
    state = replace(state, number=max((one.state.number for one in earlier), default=0) + 1)
    folder = root / state.session
    folder.mkdir()
    write_state(folder, state)
    spool = Spool(folder, limits, [session.spool for session in earlier])
    return SpooledSession(folder, state, spool)


def write_state(folder: Path, state: SessionState) -> None:
    """Replace a session's state in one step, on the disk before it returns."""
    draft = folder / f"{_STATE}.new"
    with draft.open("w") as file:
        file.write(json.dumps(asdict(state)))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / _STATE)
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
