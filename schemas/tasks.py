"""From a task's name to a sentence, by a versioned table: the packaged one or one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGED = Path(__file__).parent / "tasks.toml"


class TaskTableError(ValueError):
    """A table of tasks that cannot be used; the message says why."""


@dataclass(frozen=True)
class TaskTable:
    """Sentences by task name."""

    version: int
    sentences: Mapping[str, str]

    def sentence(self, task: str | None) -> str:
        """The task in natural language; a name that is not in the table speaks for itself."""
        if not task:
            return "Do the task."
        if task in self.sentences:
            return self.sentences[task]
        words = " ".join(task.replace("_", " ").replace("-", " ").split())
        return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")


def load_tasks(path: Path | None = None) -> TaskTable:
    """Read a table: `version`, and names to sentences under `[sentences]`."""
    path = path or PACKAGED
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TaskTableError(f"cannot read {path}: {error}") from error
    version, sentences = told.get("version"), told.get("sentences", {})
    if not isinstance(version, int) or not isinstance(sentences, dict):
        raise TaskTableError(f"{path}: needs a whole `version` and a table [sentences]")
    wrong = [name for name, text in sentences.items() if not isinstance(text, str) or not text]
    if wrong:
        raise TaskTableError(f"{path}: {wrong[0]!r} has no sentence")
    return TaskTable(version, sentences)
