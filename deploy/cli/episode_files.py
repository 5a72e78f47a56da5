"""Verbs about an episode's own files: verify what is at rest, open it in a viewer, draw it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.episodes import database
from deploy.cli.out import Exit, fail, print_json, print_table, say
from deploy.cli.where import AsJson, Home, attached
from schemas.vendors import Vendor, load_vendors
from sinks.catalogue import Episode, list_episodes, show_episode
from sinks.datasets.episode import CorruptEpisodeError, SealedFrames, read_frames
from sinks.datasets.mcap_file import write_mcap
from sinks.datasets.rehearse import body_plan, on_body
from sinks.found_in import FoundIn, found_in
from sinks.objects import open_store
from sinks.verify import verify_all
from sinks.where.sql import EVERY, parse_where
from sinks.where.words import WhereError
from streams.body_plan import CanonicalBody

MOST = 1_000_000

Name = Annotated[str, typer.Argument(help="As `kinebus episodes list` names it.")]


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
    episode: Name,
    out: Annotated[Path | None, typer.Option(help="Default: <episode>.mcap here.")] = None,
    home: Home = None,
) -> None:
    """Write one episode as an MCAP, for Foxglove or any ROS 2 tool."""
    held = _held(episode, home)
    path = out or Path(f"{episode}.mcap")
    try:
        write_mcap(path, held.episode, held.frames, held.body, None)
    except OSError as error:
        fail(str(error))
    say(f"{held.frames.frames:,} frames written to {path}; open it in Foxglove or `mcap info` it")


def plot(
    episode: Name,
    out: Annotated[Path | None, typer.Argument(help="A PNG; default: <episode>.png here.")] = None,
    home: Home = None,
) -> None:
    """Draw one episode: its body at key frames, its signals, where checks found something."""
    # matplotlib takes a second to load, which no other verb shall wait for.
    from sinks.picture.episode import marked_in, plot_episode

    held = _held(episode, home)
    path = out or Path(f"{episode}.png")
    try:
        plot_episode(path, held.episode, held.vendor, held.frames, held.body,
                     marked_in(held.found, held.frames))  # fmt: skip
    except OSError as error:
        fail(str(error))
    say(f"{held.frames.frames:,} frames and {len(held.found)} findings drawn in {path}")


@dataclass(frozen=True)
class _Held:
    """One episode with all that its picture needs."""

    episode: Episode
    vendor: Vendor
    frames: SealedFrames
    body: CanonicalBody
    found: list[FoundIn]


def _held(episode: str, home: Path | None) -> _Held:
    settings = attached(home)
    store = open_store(settings.require_lake())
    with database(settings) as client:
        detail = show_episode(client, None, episode)
        found = [] if detail is None else found_in(client, detail.episode)
    if detail is None:
        fail(f"no episode {episode!r}; `kinebus episodes list --all` names those there are")
    vendor = load_vendors(settings.profiles_dir).by_profile.get(detail.episode.profile or "")
    if vendor is None:
        fail(f"no profile {detail.episode.profile!r} here; name its folder by KINEBUS_PROFILES")
    try:
        frames = read_frames(store, detail.episode, vendor.profile.channel_names)
    except (CorruptEpisodeError, OSError) as error:
        fail(str(error))
    return _Held(detail.episode, vendor, frames, on_body(body_plan(vendor), frames), found)
