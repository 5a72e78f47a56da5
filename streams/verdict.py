"""The verdict on an episode: accept, review or reject, with its reasons in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.checks import BY_ID, Severity
from schemas.events import Finding
from streams.idleness import Idleness
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


def whole_findings(
    episode: EpisodeState, idle: Idleness | None, success: bool | None, last_frame: int
) -> list[Finding]:
    """What is wrong with an episode as a whole.

    Args:
        episode: the tracker's counts.
        idle: how still the robot stood; None = nothing is known.
        success: as the station marked it.
        last_frame: index past the episode's last frame.
    """
    if episode.t_first_ns is None or episode.t_last_ns is None:
        return []
    seconds = (episode.t_last_ns - episode.t_first_ns) * 1e-9
    values = {"too_short": -seconds, "too_long": seconds}
    if idle is not None:
        values["idle_share"] = idle.share
        values["idle_edge"] = max(idle.before_s, idle.after_s)
        if success:
            values["success_implausible"] = idle.share
    found = []
    for name, value in values.items():
        check = BY_ID[name]
        threshold = episode.limits.get(name, check.threshold)
        if value > (-threshold if name == "too_short" else threshold):
            found.append(
                Finding(
                    name, check.severity.value, None, episode.first_frame, last_frame,
                    episode.frames, abs(value), threshold,
                )
            )  # fmt: skip
    return found


def judge(
    episode: EpisodeState, missing: int, aborted: bool, whole: Sequence[Finding] = ()
) -> Verdict:
    """Judge a closed episode by what the checks counted in it.

    Any error asks for a look; errors in a tenth of the frames, or chunks that never came, reject.

    Args:
        episode: the tracker's counts.
        missing: chunks of it that never came.
        aborted: whether the operator called it off.
        whole: what is wrong with the episode as a whole.
    """
    if episode.frames == 0:
        return Verdict("reject", 0.0, ["The episode holds no frame."])
    counted = {key: n for key, n in episode.findings.items() if JOINT_MARK not in key}
    counted |= {finding.check: finding.frames for finding in whole}
    # A finding of a session flags no frame: its own count stands for them.
    worst = max((n for key, n in counted.items() if _weight(key) == 0), default=0)
    errors = min(max(episode.error_frames, worst), episode.frames)
    score = 1.0 - errors / episode.frames
    reasons = []
    if aborted:
        reasons.append("The operator aborted it.")
    if missing:
        reasons.append(f"{missing} chunks of it never came.")
    for check_id, frames in sorted(counted.items(), key=lambda item: (_weight(item[0]), -item[1])):
        check, share = BY_ID[check_id], min(frames / episode.frames, 1.0)
        trifle = check.severity is Severity.WARNING and share < WARNING_SHARE
        if check.severity is Severity.INFO or trifle:
            continue
        if check.scope == "episode":
            reasons.append(check.meaning)
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
