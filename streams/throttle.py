"""Findings that go on are told when they begin and when they are over, not in each chunk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.checks import BY_ID
from schemas.events import Finding
from streams.state import JOINT_MARK, OpenFinding

QUIET_S = 15.0
"""So long must a finding not come again to be over; the clock's come every ten seconds."""

Open = Mapping[str, OpenFinding]


def throttled(
    going_on: Open, findings: Iterable[Finding], stop: int, quiet_frames: int
) -> tuple[Open, list[Finding]]:
    """What of a chunk's findings is told.

    Args:
        going_on: the findings of sessions that go on.
        findings: of the chunk; those that flag frames are told in any case.
        stop: frame past the chunk's last.
        quiet_frames: so many frames without it end a finding.

    Returns:
        What goes on behind the chunk, and what is told.
    """
    told, after = [], dict(going_on)
    for finding in findings:
        if BY_ID[finding.check].scope != "session":
            told.append(finding)
            continue
        key = finding.check + JOINT_MARK + (finding.channel or "")
        before = after.get(key)
        if before is None:
            told.append(finding)
            after[key] = OpenFinding(finding.last_frame, finding.last_frame, 0, 0.0)
        else:
            after[key] = OpenFinding(
                before.told_to,
                max(before.last_frame, finding.last_frame),
                before.frames + finding.frames,
                max(before.value, finding.value, key=abs),
            )
    for key, own in going_on.items():
        if stop - after[key].last_frame > quiet_frames:
            told += rest_of(key, own)
            del after[key]
    return after, told


def told_off(going_on: Open) -> tuple[Open, list[Finding]]:
    """What was not told yet of the findings that go on, at an episode's end."""
    told = [finding for key, own in going_on.items() for finding in rest_of(key, own)]
    after = {
        key: own._replace(told_to=own.last_frame, frames=0, value=0.0)
        for key, own in going_on.items()
    }
    return after, told


def rest_of(key: str, own: OpenFinding) -> list[Finding]:
    """The part of a finding that was not told."""
    if own.frames == 0:
        return []
    name, _, channel = key.partition(JOINT_MARK)
    check = BY_ID[name]
    return [
        Finding(
            name, check.severity.value, channel or None, own.told_to, own.last_frame, own.frames,
            own.value, check.threshold,
        )
    ]  # fmt: skip
