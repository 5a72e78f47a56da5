"""The verb that checks a recording without a broker: `kinebus quality check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.out import Exit, fail, print_json, print_table, say, stdout
from deploy.cli.where import AsJson
from deploy.quality import QualityResult, check_take
from producers.recordings.find import single_recording
from producers.recordings.read import open_recording
from producers.recordings.recording import RecordedChunk, RecordingError
from producers.sdk.form import Form
from schemas.checks import BY_ID, Answer
from schemas.vendors import load_vendors

quality = typer.Typer(help="Quality of recordings, offline.", no_args_is_help=True)

Profiles = Annotated[
    Path | None, typer.Option(help="A folder with profiles besides the packaged ones.")
]


@quality.command()
def check(
    path: Annotated[Path, typer.Argument(help="A recording in its maker's own file format.")],
    vendor: Annotated[str, typer.Option(help="Whose robot it is.")],
    profiles: Profiles = None,
    as_json: AsJson = False,
) -> None:
    """Name what is wrong with a recording; the same checks as in the stream, no broker needed.

    Ends with 0 when the checks ran, whatever they found.
    """
    vendors = load_vendors(profiles)
    if vendor not in vendors.names:
        fail(f"no vendor {vendor!r}; there are {', '.join(vendors.names)}", Exit.USAGE)
    own = vendors.newest(vendor)
    try:
        recording = single_recording(path, vendor)
        take = open_recording(recording, Form(own.profile, own.schema))
        result = check_take(
            vendors, own, _counted(take.chunks), robot=recording.robot, task=take.task
        )
    except RecordingError as error:
        fail(str(error), Exit.USAGE)
    if as_json:
        print_json(_document(result))
    else:
        _show(result)


def _counted(chunks: Iterator[RecordedChunk]) -> Iterator[tuple[int, RecordedChunk]]:
    first = 0
    for chunk in chunks:
        yield first, chunk
        first += chunk.frames


def _document(result: QualityResult) -> dict[str, Any]:
    return {
        "robot": result.robot,
        "frames": result.frames,
        "refused_frames": result.refused_frames,
        "verdict": result.verdict.verdict,
        "score": result.verdict.score,
        "reasons": result.verdict.reasons,
        "checks": {name: answer.value for name, answer in result.answers.items()},
        "timing": result.verdict.timing,
        "findings": [asdict(finding) for finding in result.findings],
    }


def _show(result: QualityResult) -> None:
    rows = [
        (
            f.severity,
            f.check,
            f.channel,
            f"{f.first_frame}..{f.last_frame - 1}",
            f.frames,
            f.value,
            f.threshold,
            BY_ID[f.check].unit,
        )
        for f in result.findings
    ]
    columns = ("severity", "check", "joint", "frames", "flagged", "value", "threshold", "unit")
    print_table(f"{result.robot}: {result.frames} frames", columns, rows)
    for check_id in sorted({f.check for f in result.findings}):
        stdout.print(f"{check_id}: {BY_ID[check_id].meaning}")
    verdict = result.verdict
    stdout.print(f"\nverdict: {verdict.verdict}, score {verdict.score:.3f}")
    for reason in verdict.reasons or ():
        stdout.print(f"  {reason}")
    idle = [name for name, answer in result.answers.items() if answer is Answer.NOT_APPLICABLE]
    say(
        f"{len(result.answers) - len(idle)} checks ran; not applicable: {', '.join(idle) or 'none'}"
    )
