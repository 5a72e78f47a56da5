"""How far audits have come, and what they found on the way, in a file of the home folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from deploy.audit.raw import Place
from deploy.audit.report import Problem
from deploy.audit.sessions import SessionLedger, read_ledger

FILE = "audit.json"
VERSION = 2


@dataclass(frozen=True)
class Watermark:
    """What the audits up to now leave to the next.

    Attributes:
        offsets: everything before these was judged.
        at_s: when the last audit began, Unix s; 0 before the first one.
        since_ms: log time of the first record that is not judged.
        ledger: the sequence numbers of all sessions.
        standing: problems that were found twice and left behind; a full audit that is ok ends them.
    """

    offsets: Mapping[Place, int] = field(default_factory=dict)
    at_s: float = 0.0
    since_ms: int = 0
    ledger: SessionLedger = field(default_factory=SessionLedger)
    standing: tuple[Problem, ...] = ()


def load_watermark(home: Path) -> Watermark:
    """The last one, or one at the beginning."""
    path = home / FILE
    if not path.exists():
        return Watermark()
    told = orjson.loads(path.read_bytes())
    if told.get("version") != VERSION:
        return Watermark()
    return Watermark(
        {(topic, partition): offset for topic, partition, offset in told["offsets"]},
        told["at_s"],
        told["since_ms"],
        read_ledger(told["ledger"]),
        tuple(Problem(**{**p, "examples": tuple(p["examples"])}) for p in told["standing"]),
    )


def save_watermark(home: Path, mark: Watermark) -> None:
    """Replace it, whole or not at all."""
    home.mkdir(parents=True, exist_ok=True)
    rows = [[topic, partition, n] for (topic, partition), n in sorted(mark.offsets.items())]
    document = {
        "version": VERSION,
        "offsets": rows,
        "at_s": mark.at_s,
        "since_ms": mark.since_ms,
        "ledger": mark.ledger.document(),
        "standing": [one.document() for one in mark.standing],
    }
    fresh = home / f"{FILE}.new"
    fresh.write_bytes(orjson.dumps(document))
    fresh.replace(home / FILE)


def added(standing: Iterable[Problem], found: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems with more of them: counts add up, the first examples stay."""
    by_kind = {one.kind: one for one in standing}
    for one in found:
        before = by_kind.get(one.kind)
        if before is not None:
            examples = (*before.examples, *one.examples)[:10]
            one = Problem(one.kind, one.meaning, before.count + one.count, examples)
        by_kind[one.kind] = one
    return tuple(by_kind.values())
