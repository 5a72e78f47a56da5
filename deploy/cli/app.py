"""`kinebus`: the verbs, and what every error becomes."""

from __future__ import annotations

import sys

import structlog
import typer

from deploy.cli.backfill import backfill
from deploy.cli.bench import bench
from deploy.cli.body import canonicalise, retarget
from deploy.cli.dashboard import dashboard
from deploy.cli.dlq import dlq
from deploy.cli.episode_files import open_, plot, verify
from deploy.cli.episodes import episodes
from deploy.cli.export import export_
from deploy.cli.label import label
from deploy.cli.look import audit, doctor, lag, status
from deploy.cli.onboard import onboard
from deploy.cli.out import Exit, stderr
from deploy.cli.quality import quality
from deploy.cli.questions import ask
from deploy.cli.rebuild import rebuild
from deploy.cli.replay import replay
from deploy.cli.run import demo, up
from deploy.cli.subscribe import subscribe

app = typer.Typer(
    name="kinebus",
    help="Many robots, one body, one stream.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for verb in (
    demo, up, dashboard, status, doctor, replay, backfill, lag, audit, onboard, canonicalise,
    retarget,
):  # fmt: skip
    app.command()(verb)
app.command("export")(export_)
app.command()(subscribe)
episodes.command()(label)
episodes.command()(verify)
episodes.command("open")(open_)
episodes.command()(plot)
app.add_typer(episodes, name="episodes")
app.add_typer(dlq, name="dlq")
quality.command()(ask)
app.add_typer(quality, name="quality")
app.add_typer(bench, name="bench")
app.add_typer(rebuild, name="rebuild")


def main() -> None:
    """Run the command line; an error of ours is said in a sentence, and ends with 1."""
    # Standard output is for data: what a library of ours logs goes where messages go.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        app()
    except KeyboardInterrupt:
        stderr.print("stopped")
        sys.exit(Exit.FAILURE)
    except RuntimeError as error:
        stderr.print(f"[bold red]error:[/] {error}")
        sys.exit(Exit.FAILURE)
