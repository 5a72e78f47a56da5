"""The verb that publishes a recording."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.out import Exit, fail, print_json, say
from deploy.cli.where import AsJson, Home, attached
from producers.recordings.find import single_recording
from producers.recordings.recording import Recording, RecordingError
from producers.replay import replay as replay_recording
from producers.sdk.session import Session
from schemas.vendors import load_vendors


class Rate(StrEnum):
    """How fast a recording is published."""

    REAL = "real"
    MAX = "max"


def replay(
    path: Annotated[Path, typer.Argument(help="A recording in its maker's own file format.")],
    vendor: Annotated[str, typer.Option(help="Whose robot it is.")],
    rate: Annotated[
        Rate, typer.Option(help="As fast as it was recorded, or as it goes.")
    ] = Rate.REAL,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Publish a recording to its vendor's raw topic, as its robot would have."""
    settings = attached(home)
    bootstrap = settings.require_kafka()
    vendors = load_vendors(settings.profiles_dir)
    if vendor not in vendors.names:
        fail(f"no vendor {vendor!r}; there are {', '.join(vendors.names)}", Exit.USAGE)
    profile = vendors.newest(vendor).profile.id

    def open_session(recording: Recording) -> Session:
        return Session.open(
            robot=recording.robot,
            profile=profile,
            bootstrap=bootstrap,
            profiles=settings.profiles_dir,
        )

    try:
        recording = single_recording(path, vendor)
        say(f"replaying {path} as {recording.robot} to {bootstrap}")
        counts = replay_recording(recording, open_session, rate.value)
    except RecordingError as error:
        fail(str(error), Exit.USAGE)
    if as_json:
        print_json(asdict(counts))
    else:
        say(f"{counts.acknowledged_frames} of {counts.read_frames} frames are in Kafka")
