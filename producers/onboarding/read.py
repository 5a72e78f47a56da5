"""Open a robot description of either format, told apart by its first element."""

from __future__ import annotations

from pathlib import Path

from producers.onboarding.description import Description, DescriptionError
from producers.onboarding.guard import MJCF_TAGS, first_tag
from producers.onboarding.urdf import read_urdf


def read_description(path: Path) -> Description:
    """Read a URDF or an MJCF; raises DescriptionError, which says what is wrong, for all else."""
    tag = first_tag(path)
    if tag == "robot":
        return read_urdf(path)
    if tag not in MJCF_TAGS:
        raise DescriptionError(
            f"{path.name}: <{tag}> is neither a URDF's <robot> nor an MJCF's <mujoco>"
        )
    try:
        # mujoco is needed for MJCF alone.
        from producers.onboarding.mjcf import read_mjcf
    except ImportError as error:
        raise DescriptionError(
            f"{path.name}: MJCF needs mujoco: pip install 'kinebus[onboarding]'"
        ) from error
    return read_mjcf(path)
