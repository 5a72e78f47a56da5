"""The verdict on an episode: accept, review or reject, with its reasons in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.checks import BY_ID, Severity
from streams.state import JOINT_MARK, EpisodeState

REJECT_BELOW = 0.90
WARNING_SHARE = 0.25
MAX_REASONS = 3
JOINTS_NAMED = 2


@dataclass(frozen=True)
class Verdict:
    """`score` is the share of frames without an error finding, 0 … 1."""

    verdict: str
    score: float
    reasons: list[str]


def judge(episode: EpisodeState, missing: int, aborted: bool) -> Verdict:
    """Judge a closed episode by what the checks counted in it.

    Any error asks for a look; errors in a tenth of the frames, or chunks that never came, reject.

    Args:
        episode: the tracker's counts.
        missing: chunks of it that never came.
        aborted: whether the operator called it off.
    """
    if episode.frames == 0:
        return Verdict("reject", 0.0, ["The episode holds no frame."])
    score = 1.0 - episode.error_frames / episode.frames
    reasons = []
    if aborted:
        reasons.append("The operator aborted it.")
    if missing:
        reasons.append(f"{missing} chunks of it never came.")
    whole = {key: frames for key, frames in episode.findings.items() if JOINT_MARK not in key}
    ranked = sorted(whole.items(), key=lambda item: (_weight(item[0]), -item[1]))
    for check_id, frames in ranked:
        check, share = BY_ID[check_id], frames / episode.frames
        trifle = check.severity is Severity.WARNING and share < WARNING_SHARE
        if check.severity is Severity.INFO or trifle:
            continue
        where = _joints(episode, check_id)
        reasons.append(f"{check.meaning} ({where}{max(share, 0.01):.0%} of frames)")
    if aborted or missing > 0 or score < REJECT_BELOW:
        return Verdict("reject", score, reasons[:MAX_REASONS])
    return Verdict("review" if reasons else "accept", score, reasons[:MAX_REASONS])


def _joints(episode: EpisodeState, check_id: str) -> str:
    """The joints that a check struck most, as words before the share."""
    prefix = check_id + JOINT_MARK
    struck = {k.removeprefix(prefix): n for k, n in episode.findings.items() if prefix in k}
    names = sorted(struck, key=lambda name: (-struck[name], name))
    if not names:
        return ""
    more = f" and {len(names) - JOINTS_NAMED} more" if len(names) > JOINTS_NAMED else ""
    return ", ".join(name.replace("_", " ") for name in names[:JOINTS_NAMED]) + more + "; "


def _weight(check_id: str) -> int:
    return {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}[BY_ID[check_id].severity]
