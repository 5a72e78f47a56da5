"""Verbs about an episode's own files: verify what is at rest, open it in a viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.episodes import database
from deploy.cli.out import Exit, fail, print_json, print_table, say
from deploy.cli.where import AsJson, Home, attached
from schemas.vendors import load_vendors
from sinks.catalogue import list_episodes, show_episode
from sinks.datasets.episode import CorruptEpisodeError, read_frames
from sinks.datasets.mcap_file import write_mcap
from sinks.datasets.rehearse import body_plan, on_body
from sinks.objects import open_store
from sinks.verify import verify_all
from sinks.where import EVERY, WhereError, parse_where

MOST = 1_000_000


def verify(
    episode: Annotated[
        str | None, typer.Argument(help="One episode; without it all that --where chooses.")
    ] = None,
    where: Annotated[str, typer.Option(help="Which episodes; default: every complete one.")] = "",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Open every object of sealed episodes: hashes recomputed, rows counted."""
    settings = attached(home)
    try:
        condition = parse_where(where) if where else EVERY
    except WhereError as error:
        fail(str(error), Exit.USAGE)
    with database(settings) as client:
        if episode is None:
            chosen = list_episodes(client, where=condition, limit=MOST)
        else:
            detail = show_episode(client, None, episode)
            chosen = [] if detail is None else [detail.episode]
    if not chosen:
        fail("no such episode; `kinebus episodes list --all` names those there are")
    found = list(verify_all(open_store(settings.require_lake()), chosen))
    wrong = [one for one in found if not one.ok]
    if as_json:
        print_json([one.document() for one in found])
    else:
        objects, frames = sum(one.objects for one in found), sum(one.frames for one in found)
        say(f"{len(found)} episodes, {objects:,} objects, {frames:,} frames opened")
        rows = [(one.episode, problem) for one in wrong for problem in one.problems]
        if rows:
            print_table("Not as they were sealed", ("episode", "problem"), rows)
    if wrong:
        raise typer.Exit(Exit.UNHEALTHY)


def open_(
    episode: Annotated[str, typer.Argument(help="As `kinebus episodes list` names it.")],
    out: Annotated[Path | None, typer.Option(help="Default: <episode>.mcap here.")] = None,
    home: Home = None,
) -> None:
    """Write one episode as an MCAP, for Foxglove or any ROS 2 tool."""
    settings = attached(home)
    store = open_store(settings.require_lake())
    with database(settings) as client:
        detail = show_episode(client, None, episode)
    if detail is None:
        fail(f"no episode {episode!r}; `kinebus episodes list --all` names those there are")
    vendor = load_vendors(settings.profiles_dir).by_profile.get(detail.episode.profile or "")
    if vendor is None:
        fail(f"no profile {detail.episode.profile!r} here; name its folder by KINEBUS_PROFILES")
    path = out or Path(f"{episode}.mcap")
    try:
        frames = read_frames(store, detail.episode, vendor.profile.channel_names)
        write_mcap(path, detail.episode, frames, on_body(body_plan(vendor), frames), None)
    except (CorruptEpisodeError, OSError) as error:
        fail(str(error))
    say(f"{frames.frames:,} frames written to {path}; open it in Foxglove or with `mcap info`")
