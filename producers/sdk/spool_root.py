"""A robot's spool folder: one folder a session, and which session goes on after a restart."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    """What must be known of a session besides its records."""

    robot: str
    profile: str
    session: str
    boot_id: str | None
    partitions: int | None = None

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
        write_state(self.folder, _with_partitions(self.state, partitions))

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
    found: list[SpooledSession] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        state = _read_state(folder)
        if state is not None:
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


def _with_partitions(state: SessionState, partitions: int) -> SessionState:
    return SessionState(state.robot, state.profile, state.session, state.boot_id, partitions)
