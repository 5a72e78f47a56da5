"""Other projects' solvers as processes: an environment of its own each, a round at a time."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from deploy.cache import cache_dir

Say = Callable[[str], None]
Ask = Callable[[Mapping[str, float]], Mapping[str, Any]]

_PROGRAMS: Final = Path(__file__).parent / "peer_programs"
_NO_THREADS: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Peer:
    """A program of another project.

    Attributes:
        name: What it is called.
        packages: What its environment holds, pinned.
        program: Of `deploy/bench/peer_programs`.
    """

    name: str
    packages: tuple[str, ...]
    program: str


PINOCCHIO: Final = Peer("pinocchio", ("pin==4.1.0", "numpy==2.4.6"), "forward.py")
MINK: Final = Peer("mink", ("mink==1.3.0", "mujoco==4.0.0", "daqp==0.11.0"), "mink_limbs.py")
PINK: Final = Peer("pink", ("pin-pink==4.4.0", "pin==4.1.0", "daqp==0.11.0"), "pink_limbs.py")


class PeerError(RuntimeError):
    """A peer that could not be installed, or that ended."""


@contextmanager
def running(peer: Peer, folder: Path, say: Say) -> Iterator[Ask]:
    """Start a peer on the data in `folder`; what comes out runs one round with the settings given.

    Raises:
        PeerError: its packages could not be installed, or it ended.
    """
    python = environment_of(peer, say)
    command = [str(python), str(_PROGRAMS / peer.program), str(folder)]
    with (folder / f"{peer.name}.log").open("wb+") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            env=os.environ | _NO_THREADS,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        questions, answers = process.stdin, process.stdout
        try:
            yield lambda settings: _ask(peer, settings, questions, answers, log)
        finally:
            questions.close()
            process.terminate()
            process.wait()
            answers.close()


def _ask(
    peer: Peer,
    settings: Mapping[str, float],
    questions: IO[bytes],
    answers: IO[bytes],
    log: IO[bytes],
) -> Mapping[str, Any]:
    try:
        questions.write(json.dumps(dict(settings)).encode() + b"\n")
        questions.flush()
    except BrokenPipeError:
        answer = b""
    else:
        answer = answers.readline()
    if not answer:
        log.seek(0)
        last = log.read().decode(errors="replace").strip().splitlines()[-1:]
        raise PeerError(f"{peer.name} ended: {' '.join(last)}")
    result: Mapping[str, Any] = json.loads(answer)
    return result


def environment_of(peer: Peer, say: Say) -> Path:
    """Python of the peer's environment, made in the cache folder where it is not there yet."""
    folder = cache_dir() / "peers" / peer.name
    python, stamp = folder / "bin" / "python", folder / "packages"
    wanted = "\n".join(peer.packages)
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    say(f"installing {', '.join(peer.packages)} into {folder}")
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    done = subprocess.run([*command, *peer.packages], capture_output=True, text=True)
    if done.returncode:
        raise PeerError(
            f"{peer.name} could not be installed: {done.stderr.strip().splitlines()[-1:]}; "
            f"run this where pip reaches its index, or leave the peers out (--no-peers)"
        )
    stamp.write_text(wanted)
    return python
