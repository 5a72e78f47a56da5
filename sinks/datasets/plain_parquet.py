"""Plain Parquet: one scalar column a component, a file an episode, one table of episodes."""

from __future__ import annotations

from sinks.datasets.lerobot_v3 import write_episodes, write_tasks
from sinks.datasets.rows_writer import FILE, Layout, Written, pretty, write_whole


def finish(written: Written) -> None:
    """Write tasks, episodes and what the columns are."""
    plan = written.plan
    write_tasks(written.root / "tasks.parquet", written.sentences)
    told_rows = (
        [{name: value for name, value in row.items() if name != FILE} for row in batch]
        for batch in written.batches()
    )
    write_episodes(written.root / "episodes.parquet", told_rows)
    told = {
        "robot": plan.robot,
        "fps": plan.fps,
        "episodes": written.episodes,
        "frames": written.frames,
        "splits": {name: list(span) for name, span in plan.splits.items()},
        "action": plan.signals.action.value,
        "stats": {name: one.document() for name, one in written.stats.items()},
    }
    write_whole(written.root / "dataset.json", pretty(told))


PARQUET = Layout(lambda number: f"episodes/episode_{number:06d}.parquet", 0, finish, scalar=True)
