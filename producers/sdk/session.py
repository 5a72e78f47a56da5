"""What a robot's own software calls: open a session, send frames, mark episodes.

    with Session.open("pollen/r2-0007", "pollen-reachy2@1", bootstrap=..., spool=...) as session:
        session.episode_start(task="fold", operator="op-12", station="s3", mode="teleoperated")
        session.send(frame)
        session.episode_end(success=True)

Frames travel in chunks of about 80 ms; frames and marks stand in one sequence.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from producers.sdk.backlog import SpoolFullError
from producers.sdk.form import Form, load_form
from producers.sdk.frames import OpenChunk, frame_layout, join_frames, take_frame
from producers.sdk.link import Link
from producers.sdk.sender import Progress
from producers.sdk.way import Way, WaySettings, open_way
from schemas.envelope import Kind, is_robot
from schemas.limits import MAX_FRAMES
from schemas.marks import Mark, MarkKind, Mode, episode_id

CHUNK_NS = 80_000_000
"""How long frames wait for each other; the link's thread adds at most 20 ms."""

CLOSE_SECONDS = 10.0


class SessionEndedError(RuntimeError):
    """A session that has ended takes nothing more."""


class Session:
    """One robot's connection: frames and marks in one sequence.

    Every call that sends takes `timeout`: how many seconds to wait when the spool is full. 0, the
    default, raises `SpoolFullError` at once, None waits as long as it takes. What a call did not
    take may be sent again by the caller; what it took is never dropped.
    """

    def __init__(self, form: Form, way: Way) -> None:
        self.form = form
        self._way = way
        self._sender = way.sender
        self._layout = frame_layout(form)
        self._open = OpenChunk()
        self._chunks = 0
        self._ended = False
        # Held while a call waits for room: the link's thread must never wait for it.
        self._lock = threading.RLock()
        if not way.resumed:
            self._mark(Mark(mark=MarkKind.SESSION_START), 0.0)
        way.link.attach(self)

    @classmethod
    def open(
        cls,
        robot: str,
        profile: str,
        *,
        bootstrap: str | None = None,
        link: Link | None = None,
        spool: Path | None = None,
        profiles: Path | None = None,
        fresh: bool = False,
        settings: WaySettings | None = None,
    ) -> Self:
        """Open a session, or go on with the one that a crash of this process left in the spool.

        Args:
            robot: `<vendor>/<serial>`.
            profile: `<name>@<version>` of the vendor profile.
            bootstrap: Kafka's address; or give a `link` that sessions share.
            link: a connection that is already there; it stays open when the session closes.
            spool: a folder of this robot's own, that keeps what Kafka does not have yet; without
                one, what waits is lost with the process.
            profiles: a folder with profiles besides the packaged ones.
            fresh: begin a new session even where one could go on. A reboot always does.
            settings: sizes and times.

        Raises:
            UnknownProfileError: no such profile.
            UnknownTopicError: the broker answers that it has no topic for this vendor.
            SpoolInUseError: another process has this spool open.
            SpoolFullError: earlier sessions fill the spool.
        """
        form = load_form(profile, profiles)
        if not is_robot(robot) or robot.split("/", 1)[0] != form.profile.vendor:
            raise ValueError(f"robot {robot!r} is not {form.profile.vendor}/<serial>")
        way = open_way(
            robot,
            profile,
            settings or WaySettings(),
            bootstrap=bootstrap,
            link=link,
            spool=spool,
            fresh=fresh,
        )
        try:
            return cls(form, way)
        except BaseException:
            way.close()
            raise

    @property
    def id(self) -> str:
        """The session's ULID."""
        return self._sender.identity.session

    @property
    def resumed(self) -> bool:
        """Whether the session began in an earlier process of this boot."""
        return self._way.resumed

    @property
    def chunks(self) -> int:
        """Chunks taken since this process opened the session."""
        return self._chunks

    @property
    def progress(self) -> Progress:
        """How far the session's records are."""
        return self._sender.progress()

    def send(self, frame: Mapping[str, Any], timeout: float | None = 0.0) -> None:
        """Send one frame in the vendor's own form; frames of about 80 ms become one chunk.

        Raises:
            FrameError: it does not fit the vendor's schema.
            ValueTooLargeError: it is larger than any consumer would decode.
            SpoolFullError: it was not taken.
        """
        taken = take_frame(self.form, self._layout, frame)
        with self._lock:
            self._require_open()
            now_ns = time.monotonic_ns()
            if not self._open.takes(taken, now_ns, CHUNK_NS, self.form.max_bytes):
                self._close_chunk(timeout)
            self._open.add(taken, now_ns)

    def send_chunk(self, value: Any, frames: int, timeout: float | None = 0.0) -> None:
        """Send a whole chunk that is already in the vendor's form.

        Raises:
            ValueTooLargeError: it is larger than any consumer would decode.
            SpoolFullError: it was not taken.
        """
        if not 1 <= frames <= MAX_FRAMES:
            raise ValueError(f"a chunk has 1 to {MAX_FRAMES} frames, not {frames}")
        data = self.form.encode(value)
        with self._lock:
            self._require_open()
            self._close_chunk(timeout)
            self._sender.submit(Kind.CHUNK, frames, data, timeout)
            self._chunks += 1

    def episode_start(
        self,
        task: str | None = None,
        *,
        skill: str | None = None,
        scene: str | None = None,
        operator: str | None = None,
        station: str | None = None,
        mode: str | Mode | None = None,
        timeout: float | None = 0.0,
    ) -> str:
        """Mark that an episode begins with the next frame; returns the episode's id."""
        mark = Mark(
            mark=MarkKind.EPISODE_START,
            task=task,
            skill=skill,
            scene=scene,
            operator=operator,
            station=station,
            mode=None if mode is None else Mode(mode),
        )
        return episode_id(self.id, self._mark(mark, timeout))

    def episode_end(
        self,
        success: bool | None = None,
        *,
        aborted: bool = False,
        timeout: float | None = 0.0,
    ) -> None:
        """Mark that the episode ended with the last frame."""
        mark = Mark(mark=MarkKind.EPISODE_END, success=success, aborted=aborted)
        self._mark(mark, timeout)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until Kafka has everything; False when time is up (nothing is lost by that)."""
        with self._lock:
            self._close_chunk(timeout)
        return self._way.wait(timeout)

    def end(self, timeout: float | None = 0.0) -> None:
        """Write the session's last mark, which says how many records it has; nothing may follow."""
        with self._lock:
            if self._ended:
                return
            self._close_chunk(timeout)
            mark = Mark(mark=MarkKind.SESSION_END, last_sequence=self._sender.next_sequence)
            self._sender.submit(Kind.MARK, 0, mark.to_json(), timeout, last=True)
            self._ended = True

    def close(self, timeout: float | None = CLOSE_SECONDS) -> bool:
        """End the session and let go of link and spool.

        Returns False when time is up before Kafka has everything. The rest stays in the spool for
        the next session to send; without a spool it is lost.
        """
        self.end(timeout)
        drained = self._way.wait(timeout)
        self._way.link.detach(self)
        self._way.close()
        return drained

    def tick(self, now: float) -> None:
        """Called by the link's thread."""
        if self._lock.acquire(blocking=False):
            try:
                if not self._ended and self._open.due(int(now * 1e9), CHUNK_NS):
                    self._close_chunk(0.0)
            except SpoolFullError:
                # The frames stay in the open chunk; the next call that sends meets the full spool.
                pass
            finally:
                self._lock.release()
        self._way.tick(now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _mark(self, mark: Mark, timeout: float | None) -> int:
        with self._lock:
            self._require_open()
            self._close_chunk(timeout)
            return self._sender.submit(Kind.MARK, 0, mark.to_json(), timeout)

    def _close_chunk(self, timeout: float | None) -> None:
        """Send the frames that wait; when that fails they go on waiting."""
        frames = self._open.frames
        if frames:
            data = self.form.encode(join_frames(self._layout, frames))
            self._sender.submit(Kind.CHUNK, len(frames), data, timeout)
            self._chunks += 1
            self._open = OpenChunk()

    def _require_open(self) -> None:
        if self._ended:
            raise SessionEndedError(f"session {self.id} has ended")
