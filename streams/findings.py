"""Findings of many chunks joined into what a person reads: one for each stretch of frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schemas.events import Finding


def merged(findings: Iterable[Finding], apart: int) -> list[Finding]:
    """Join findings of one check on one joint that lie at most `apart` frames from each other.

    The joined one covers both, adds up their flagged frames and keeps the worst value. Sorted by
    first frame, then check and joint.
    """
    latest: dict[tuple[str, str | None], Finding] = {}
    done: list[Finding] = []
    for finding in findings:
        key = (finding.check, finding.channel)
        before = latest.get(key)
        if before is not None and finding.first_frame <= before.last_frame + apart:
            worse = max(before.value, finding.value, key=abs)
            latest[key] = replace(
                before,
                first_frame=min(before.first_frame, finding.first_frame),
                last_frame=max(before.last_frame, finding.last_frame),
                frames=before.frames + finding.frames,
                value=worse,
            )
        else:
            if before is not None:
                done.append(before)
            latest[key] = finding
    done += latest.values()
    return sorted(done, key=lambda f: (f.first_frame, f.check, f.channel or ""))
