"""Verbs about dead letters: list, show, redrive."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer

from deploy.audit.kafka import AuditReader
from deploy.cli.out import Exit, fail, print_json, print_table, say, stdout
from deploy.cli.since import since_ms
from deploy.cli.where import AsJson, Home, attached
from deploy.dlq.put_back import NotAcknowledgedError, PutBack, put_back
from deploy.dlq.refusals import Refusal, Wanted, read_letter, read_refusals
from deploy.dlq.show import described, hexdump, plain, value_words
from schemas.events import LetterOutcome
from schemas.rejected import Reason
from schemas.settings import Settings
from schemas.vendors import load_vendors

dlq = typer.Typer(help="What was refused and why; put it back.", no_args_is_help=True)

Reasons = Annotated[list[Reason] | None, typer.Option("--reason", help="May be given again.")]
Since = Annotated[str | None, typer.Option(help="First refused since: 30m, 2h, 7d, an ISO time.")]
Makers = Annotated[list[str] | None, typer.Option("--vendor", help="May be given again.")]
Origins = Annotated[
    list[str] | None, typer.Option("--origin", help="topic/partition/offset; may be given again.")
]


@dlq.command("list")
def list_(
    reason: Reasons = None,
    since: Since = None,
    vendor: Makers = None,
    origin: Origins = None,
    every: Annotated[bool, typer.Option("--all", help="Also those settled by a redrive.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 100,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List refused records by origin, each with the outcome that counts."""
    with _reader(attached(home)) as reader:
        found = read_refusals(reader, _wanted(reason, since, vendor, origin))
    shown = [one for one in found if every or one.outcome is LetterOutcome.REFUSED][-limit:]
    if as_json:
        print_json([one.document() for one in shown])
        return
    counts = Counter(one.reason or one.outcome.value for one in found)
    told = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
    print_table(told or "nothing was refused", _COLUMNS, [_row(one) for one in shown])


@dlq.command()
def show(
    origin: Annotated[str, typer.Argument(help="As `kinebus dlq list` names it.")],
    size: Annotated[int, typer.Option("--bytes", min=0, help="Bytes of the value to dump.")] = 256,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """One refused record: why, its headers, its value."""
    settings = attached(home)
    with _reader(settings) as reader:
        one = _only(read_refusals(reader, Wanted(origins=(origin,))), origin)
        letter = read_letter(reader, one)
    if as_json:
        print_json(described(one, letter))
        return
    for name, told in one.document().items():
        stdout.print(f"{name:17} {plain(str(told))}", markup=False)
    print_table(
        "Headers", ("name", "value"), [(plain(n), plain(repr(v))) for n, v in letter.headers]
    )
    if letter.value is not None:
        vendors = load_vendors(settings.profiles_dir)
        stdout.print(value_words(letter.value, vendors.registry), markup=False)
        stdout.print(hexdump(letter.value[:size]), markup=False)


@dlq.command()
def redrive(
    reason: Reasons = None,
    since: Since = None,
    vendor: Makers = None,
    origin: Origins = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the outcomes.")] = 30.0,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Put refused records back on their raw topics; exit 1 when one is refused again.

    Records that a redrive has settled are left alone.
    """
    settings = attached(home)
    with _reader(settings) as reader:
        found = read_refusals(reader, _wanted(reason, since, vendor, origin))
        found = [one for one in found if one.outcome is LetterOutcome.REFUSED]
        chosen = [one for one in found if one.has_bytes]
        without = [one.origin for one in found if not one.has_bytes]
        done: list[PutBack] = []
        if chosen and not dry_run:
            try:
                done = put_back(settings.require_kafka(), reader, chosen, wait)
            except NotAcknowledgedError as error:
                fail(str(error))
    for name in without:
        say(f"{name} is too large for a letter; it stays in the raw topic and cannot be redriven")
    if as_json:
        print_json(_redriven(chosen, done, without, dry_run))
    elif dry_run:
        print_table(f"{len(chosen)} would be redriven", _COLUMNS, [_row(o) for o in chosen])
    else:
        rows = [
            (o.origin, o.attempt, o.at_offset, o.outcome, o.reason, plain(o.detail)) for o in done
        ]
        columns = ("origin", "attempt", "now at", "outcome", "reason", "detail")
        print_table(f"{len(done)} redriven", columns, rows)
    if any(one.outcome in ("refused", "waiting") for one in done):
        raise typer.Exit(Exit.FAILURE)


def _redriven(
    chosen: Sequence[Refusal], done: Sequence[PutBack], without: Sequence[str], dry_run: bool
) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "chosen": [one.origin for one in chosen],
        "without_bytes": without,
        "redriven": [one.document() for one in done],
        "outcomes": Counter(one.outcome for one in done),
    }


_COLUMNS = ("origin", "robot", "outcome", "reason", "attempt", "frames", "refused", "detail")


def _row(one: Refusal) -> tuple[object, ...]:
    when = datetime.fromtimestamp(one.refused_ms / 1000).isoformat(" ", "seconds")
    return (
        one.origin, one.robot, one.outcome.value, one.reason, one.attempt, one.frames, when,
        plain(one.detail),
    )  # fmt: skip


def _wanted(
    reason: list[Reason] | None,
    since: str | None,
    vendor: list[str] | None,
    origin: list[str] | None,
) -> Wanted:
    reasons = [one.value for one in reason or ()]
    return Wanted(reasons, vendor or (), origin or (), since_ms(since, time.time()))


def _only(found: Sequence[Refusal], origin: str) -> Refusal:
    if not found:
        fail(f"nothing was refused at {origin!r}; `kinebus dlq list --all` names what was")
    return found[0]


@contextmanager
def _reader(settings: Settings) -> Iterator[AuditReader]:
    reader = AuditReader(settings.require_kafka())
    try:
        yield reader
    finally:
        reader.close()
