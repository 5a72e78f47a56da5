"""The verdict on an episode: accept, review or reject, with its reasons in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.checks import BY_ID, Severity
from streams.state import EpisodeState

REJECT_BELOW = 0.90
REVIEW_BELOW = 0.99
WARNING_SHARE = 0.25
MAX_REASONS = 3


@dataclass(frozen=True)
class Verdict:
    """`score` is the share of frames without an error finding, 0 … 1."""

    verdict: str
    score: float
    reasons: list[str]


def judge(episode: EpisodeState, missing: int, aborted: bool) -> Verdict:
    """Judge a closed episode by what the checks counted in it.

    Args:
        episode: the tracker's counts.
        missing: chunks of it that never came.
        aborted: whether the operator called it off.
    """
    if episode.frames == 0:
        return Verdict("reject", 0.0, ["The episode holds no frame."])
    score = 1.0 - episode.error_frames / episode.frames
    reasons = []
    reject = aborted or missing > 0 or score < REJECT_BELOW
    if aborted:
        reasons.append("The operator aborted it.")
    if missing:
        reasons.append(f"{missing} chunks of it never came.")
    ranked = sorted(episode.findings.items(), key=lambda item: (_weight(item[0]), -item[1]))
    warned = False
    for check_id, frames in ranked:
        check = BY_ID[check_id]
        share = frames / episode.frames
        if check.severity is Severity.INFO:
            continue
        if check.severity is Severity.WARNING:
            if share < WARNING_SHARE:
                continue
            warned = True
        reasons.append(f"{check.meaning} ({share:.0%} of frames)")
    review = warned or score < REVIEW_BELOW
    word = "reject" if reject else "review" if review else "accept"
    return Verdict(word, score, reasons[:MAX_REASONS] if word != "accept" else [])


def _weight(check_id: str) -> int:
    return {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}[BY_ID[check_id].severity]
