"""`kinebus episodes label`: what a person says of an episode afterwards, as a new revision."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from deploy.cli.episodes import database
from deploy.cli.out import Exit, fail, print_json, stdout
from deploy.cli.where import AsJson, Home, attached
from producers.station import NotDeliveredError, publish_label
from schemas.events import EpisodeLabel
from schemas.limits import MAX_ID_CHARS
from schemas.marks import Mode
from sinks.catalogue import show_episode

MAX_NOTE_CHARS = 2_000

Text = Annotated[str | None, typer.Option()]


class Review(StrEnum):
    """A person's verdict."""

    ACCEPT = "accept"
    REVIEW = "review"
    REJECT = "reject"


def label(
    episode: Annotated[str, typer.Argument(help="As `kinebus episodes list --all` names it.")],
    success: Annotated[
        bool | None, typer.Option("--success/--failure", help="Whether the task was done.")
    ] = None,
    review: Annotated[Review | None, typer.Option(help="A person's verdict.")] = None,
    task: Text = None,
    skill: Text = None,
    scene: Text = None,
    operator: Text = None,
    station: Text = None,
    mode: Annotated[Mode | None, typer.Option()] = None,
    author: Annotated[str | None, typer.Option(help="Who says it, a pseudonymous id.")] = None,
    note: Text = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Label an episode: a review or a correction. What is not given stays as it was."""
    told: dict[str, Any] = {
        "success": success, "review": review and review.value, "task": task, "skill": skill,
        "scene": scene, "operator": operator, "station": station, "mode": mode and mode.value,
        "note": note,
    }  # fmt: skip
    told = {name: value for name, value in told.items() if value is not None}
    if not told:
        fail("nothing to say: give --success, --failure, --review, --task, …", Exit.USAGE)
    for name, value in (*told.items(), ("author", author)):
        longest = MAX_NOTE_CHARS if name == "note" else MAX_ID_CHARS
        if isinstance(value, str) and len(value) > longest:
            fail(f"--{name} is longer than {longest} characters", Exit.USAGE)
    settings = attached(home)
    with database(settings) as client:
        detail = show_episode(client, None, episode)
    if detail is None:
        fail(f"no episode {episode!r}; `kinebus episodes list --all` names those there are")
    one = detail.episode
    said_ms = time.time_ns() // 1_000_000
    revision = EpisodeLabel(one.episode, one.robot, one.session, said_ms, author=author, **told)
    try:
        number = publish_label(settings.require_kafka(), revision)
    except NotDeliveredError as error:
        fail(str(error))
    if as_json:
        print_json({"episode": one.episode, "label_revision": number, "author": author, **told})
    else:
        stdout.print(f"{one.episode}: label revision {number}", markup=False)
