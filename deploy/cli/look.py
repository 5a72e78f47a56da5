"""Verbs that look at a running system: status, doctor, lag, audit."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer

from deploy.audit.run import run_audit
from deploy.audit.running import read_last
from deploy.cli.out import Exit, fail, print_json, print_table, stdout
from deploy.cli.where import AsJson, Home, attached, own_settings
from deploy.doctor import examine, healthy
from deploy.lag import measure_lag
from deploy.resting import resting
from deploy.retention import ALERT_AT, ARCHIVE, archive_headroom
from deploy.stack_file import read_stack
from deploy.status_view import ProcessMeter, status_table
from deploy.supervisor import ProcessState
from deploy.told import told_lines, waiting

METER_S = 0.5
"""CPU use is a difference: between two readings so far apart."""


def status(home: Home = None, as_json: AsJson = False) -> None:
    """What runs in this home: addresses and processes. Exit 3 when not all of it does."""
    settings = own_settings(home)
    stack = read_stack(settings.home)
    if stack is None:
        fail(f"no stack runs in {settings.home}; start one with `kinebus up`", Exit.UNHEALTHY)
    at_rest = resting(stack.processes)
    waits = waiting(stack)
    if as_json:
        told = {"resting": at_rest, "waiting": waits, "audit": read_last(settings.home)}
        print_json({**asdict(stack), **told})
    else:
        for part, words in stack.chosen.items():
            stdout.print(f"{part}: {words}", markup=False)
        states = tuple(
            ProcessState(p.name, p.pid, p.restarts, p.last_exit, p.started_at)
            for p in stack.processes
        )
        meter = ProcessMeter()
        status_table(states, meter)
        time.sleep(METER_S)
        stdout.print(status_table(states, meter))
        for worker, topics in at_rest.items():
            stdout.print(
                f"[yellow]{', '.join(topics)} rests on {worker}: too many refusals; "
                "see `kinebus dlq list`"
            )
        for line in told_lines(settings.home, waits):
            stdout.print(line, markup=False)
    if any(process.pid is None for process in stack.processes):
        raise typer.Exit(Exit.UNHEALTHY)


def doctor(home: Home = None, as_json: AsJson = False) -> None:
    """What is missing on this machine, and what to do about it. Exit 3 when something needed is."""
    findings = examine(own_settings(home))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = [(f.verdict.value, f.name, f.detail, f.advice) for f in findings]
        print_table("This machine", ("", "what", "found", "what to do"), rows)
    if not healthy(findings):
        raise typer.Exit(Exit.UNHEALTHY)


def lag(
    home: Home = None,
    unhealthy_s: Annotated[float, typer.Option(help="Exit 3 when a group is later.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """How late each consumer group is: records, and age of the oldest.

    The archive and the lake commit behind what they have sealed, so their age grows to the length
    of a range or segment and falls back: that is not lateness, and does not count as unhealthy.
    What counts is how much of Kafka's retention is not archived: exit 3 from half of it on.
    """
    bootstrap = attached(home).require_kafka()
    found = measure_lag(bootstrap)
    used = {topic.topic: topic.used for topic in archive_headroom(bootstrap)}
    kept = [used.get(one.topic) if one.group == ARCHIVE else None for one in found]
    if as_json:
        documents = [one.document() for one in found]
        print_json(
            [{**d, "retention_used": share} for d, share in zip(documents, kept, strict=True)]
        )
    else:
        rows = [
            (one.group, one.topic, one.records, one.oldest_s, share)
            for one, share in zip(found, kept, strict=True)
        ]
        columns = ("group", "topic", "records", "oldest, s", "of retention")
        print_table("Lag", columns, rows)
    late = [o for o in found if o.group in ("streams", "sink-clickhouse")]
    behind = any(share >= ALERT_AT for share in used.values())
    if behind or any(one.oldest_s > unhealthy_s for one in late):
        raise typer.Exit(Exit.UNHEALTHY)


def audit(
    home: Home = None,
    deep: Annotated[bool, typer.Option(help="Compare values, too, bit for bit.")] = False,
    since: Annotated[
        bool, typer.Option("--since", help="Only what came after the last audit.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Whether every raw record is exactly once where it belongs. Exit 3 when one is not."""
    report = run_audit(attached(home), deep=deep, since=since)
    if as_json:
        print_json(report.document())
    else:
        rows = [
            (
                name,
                one.read,
                one.canonical,
                sum(one.rejected.values()),
                one.clickhouse,
                one.object_storage,
                one.episodes,
            )
            for name, one in sorted(report.vendors.items())
        ]
        columns = (
            "maker", "read", "canonical", "rejected", "ClickHouse", "object storage", "episodes",
        )  # fmt: skip
        print_table("Frames", columns, rows)
        for problem in report.problems:
            stdout.print(f"[red]{problem}")
    if not report.ok:
        raise typer.Exit(Exit.UNHEALTHY)
