"""A folder of MCAP files, one an episode, at the robots' own times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sinks.datasets.mcap_file import write_mcap
from sinks.datasets.plan import DatasetPlan
from sinks.datasets.rows_writer import pretty, write_whole
from sinks.datasets.step import Rehearsal, told_of


class McapWriter:
    """Writes one file after the other; those that are there whole are not written again."""

    def __init__(self, root: Path, plan: DatasetPlan, rehearsal: Rehearsal) -> None:
        self._root = root
        self._plan = plan
        self._rehearsal = rehearsal
        self.frames = 0

    def write(self) -> Iterator[int]:
        """Write everything; yields the number of episodes that are done."""
        target = self._plan.choice.target
        for index, one in enumerate(self._plan.episodes):
            self.frames += one.frames
            path = self._root / f"episodes/episode_{index:06d}.mcap"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                aside = path.with_suffix(".aside")
                frames, body, played = self._rehearsal.shown(index)
                own = None
                if target is not None and played is not None:
                    own = (target.embodiment.id, target.joint_names, played)
                write_mcap(aside, one.episode, frames, body, own)
                aside.replace(path)
            yield index + 1
        rows = [
            {"file": f"episodes/episode_{i:06d}.mcap", "task": self._rehearsal.sentence(i),
             **told_of(one, self._plan.split_of(i))}
            for i, one in enumerate(self._plan.episodes)
        ]  # fmt: skip
        write_whole(self._root / "dataset.json", pretty({"episodes": rows}))
