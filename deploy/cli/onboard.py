"""`kinebus onboard`: a robot's URDF or MJCF becomes an embodiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.out import fail, print_json, print_table, say, stdout
from deploy.cli.where import AsJson
from producers.onboarding.confidence import DOUBTFUL
from producers.onboarding.found import Found
from schemas.embodiment import dump_embodiment


def onboard(
    file: Annotated[Path, typer.Argument(help="URDF or MJCF; meshes are not needed.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Embodiment to write; default: ./<file's name>.json"),
    ] = None,
    override: Annotated[
        Path | None,
        typer.Option("--override", help="TOML that settles what cannot be known; default: beside."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", help="PNG to draw: the robot and its canonical skeleton, two poses."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find a robot's body in its description, and write its embodiment."""
    try:
        # The kernels' compiler is not part of a bare install.
        from producers.onboarding.description import DescriptionError
        from producers.onboarding.onboard import onboard as onboard_file
        from producers.onboarding.plot import plot as plot_robot
    except ImportError as error:
        fail(f"{error.name} is missing: pip install 'kinebus[onboarding]'")
    target = Path(f"{file.stem}.json") if out is None else out
    try:
        onboarded = onboard_file(file, override)
        if plot is not None:
            plot_robot(onboarded.embodiment, plot)
            say(f"drew {plot}: look whether left, right, facing and every limb are right")
        target.write_text(dump_embodiment(onboarded.embodiment), encoding="utf-8")
    except DescriptionError as error:
        fail(f"{error}; nothing was written")
    except OSError as error:
        fail(f"cannot write {error.filename or target}: {error.strerror or error}")
    if as_json:
        print_json(onboarded.found.document())
    else:
        _print(onboarded.found)
    say(f"wrote {target}, embodiment {onboarded.embodiment.id}, {onboarded.embodiment.hash[:12]}")


def _print(found: Found) -> None:
    stdout.print(f"faces {found.forward}, up {found.up}, zero pose: {found.zero_pose}")
    rows = [
        (name, " ".join(joints) or "none", _sure(found.confidence[name]))
        for name, joints in found.complexes.items()
    ]
    rows += [(f"{side} hand", " ".join(j) or "none", "") for side, j in found.hand_joints.items()]
    rows += [("lift or wheels", " ".join(found.lift_or_wheels) or "none", "")]
    print_table(found.id, ("complex", "joints, in chain order", "sure"), rows)
    for note in found.confirm:
        stdout.print(f"[yellow]confirm[/] {note}", markup=True)


def _sure(confidence: float) -> str:
    return f"{confidence:.2f}" + ("  confirm" if confidence < DOUBTFUL else "")
