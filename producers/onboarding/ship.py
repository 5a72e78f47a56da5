"""Write the shipped embodiments from a folder of descriptions, and the lists of their sources.

`python -m producers.onboarding.ship FOLDER`: FOLDER holds descriptions and an INDEX.csv that says
where each is from and under which licence. Of those that may be passed on with attribution, the
figures are written to `schemas/embodiments`; NOTICE and `docs/robots.md` list the sources.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Final

import typer

from producers.onboarding.onboard import onboard
from schemas.embodiment import SHIPPED, Embodiment, dump_embodiment

ROOT: Final = Path(__file__).parents[2]
CURATED: Final = Path(__file__).parent / "curated"
# Licences that let figures be passed on with attribution; share-alike ones stay in their own files.
PASSED_ON: Final = (
    "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-SA-4.0", "Clear-BSD", "MIT",
    "MulanPSL-2.0", "OpenAtom-Open-Hardware-1.0",
)  # fmt: skip
_NO_BODY: Final = "hand"
NOTICE_BEGIN, NOTICE_END = "Embodiments; maker; source; licence:", "Without a description:"
TABLE_BEGIN, TABLE_END = "<!-- written by producers.onboarding.ship -->", "<!-- until here -->"


@dataclass(frozen=True, slots=True)
class Source:
    """A description: its file, the embodiment's name, and where it is from.

    `uncertain` is what the index adds to a licence, for example that the files do not repeat it.
    """

    name: str
    file: Path
    maker: str
    repository: str
    path: str
    licence: str
    uncertain: bool
    curated: Path | None

    @property
    def shipped(self) -> bool:
        """Whether its licence lets its figures be passed on with attribution."""
        return self.licence in PASSED_ON and not self.uncertain


def sources(folder: Path) -> list[Source]:
    """All bodies of a folder of descriptions, by name; hands alone are no bodies."""
    curated = {_described(path): path for path in sorted(CURATED.glob("*.toml"))}
    found = []
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if row["kind"] == _NO_BODY:
                continue
            licence, _, remark = row["license"].partition(" (")
            settled = curated.get(row["file"])
            found.append(
                Source(
                    name=settled.stem if settled else re.sub(r"[^a-z0-9]+", "_", row["id"]),
                    file=folder / row["file"],
                    maker=_makers()[row["manufacturer"]],
                    repository=row["source_repo"],
                    path=row["source_path"],
                    licence=licence,
                    uncertain="carries none" in remark,
                    curated=settled,
                )
            )
    return sorted(found, key=lambda source: source.name)


def embodiment_of(source: Source) -> Embodiment:
    """What onboarding makes of a description, with its attribution."""
    made = onboard(source.file, source.curated).embodiment
    return replace(
        made,
        id=source.name,
        maker=source.maker,
        source=f"{source.repository}, {source.path}",
        licence=source.licence,
    )


def notice_lines(listed: Iterable[Source]) -> list[str]:
    """NOTICE's list: by repository, which embodiments come from it and under which licence."""
    by_origin: dict[tuple[str, str, str], list[str]] = {}
    for source in listed:
        if source.shipped:
            origin = (source.maker, source.repository, source.licence)
            by_origin.setdefault(origin, []).append(source.name)
    lines = []
    for (maker, repository, licence), names in sorted(by_origin.items()):
        lines += [f"  {name}" for name in names]
        lines += [f"    {maker}; {repository}; {licence}", ""]
    return lines


def table_lines(listed: Iterable[Source]) -> list[str]:
    """The table of `docs/robots.md`."""
    lines = [
        "| embodiment | maker | source | licence | shipped |",
        "| --- | --- | --- | --- | --- |",
    ]
    for s in listed:
        licence = s.licence + (" (of the repository only)" if s.uncertain else "")
        shipped = "yes" if s.shipped else "onboard it yourself"
        lines.append(f"| {s.name} | {s.maker} | {s.repository} | {licence} | {shipped} |")
    return lines


def between(text: str, begin: str, end: str, lines: Iterable[str]) -> str:
    """A text with what stands between two of its lines replaced."""
    head, _, rest = text.partition(f"{begin}\n")
    _, _, tail = rest.partition(f"{end}\n")
    return "\n".join([f"{head}{begin}", *lines, f"{end}\n{tail}"])


@cache
def _makers() -> dict[str, str]:
    path = Path(__file__).with_name("makers.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _described(curated: Path) -> str:
    """The file of the folder that a curated robot is about."""
    return str(tomllib.loads(curated.read_text(encoding="utf-8"))["description"])


def main(folder: Annotated[Path, typer.Argument(help="Descriptions and their INDEX.csv.")]) -> None:
    """Write every shipped embodiment anew, and the lists of their sources."""
    listed = sources(folder)
    for source in listed:
        if source.shipped:
            text = dump_embodiment(embodiment_of(source))
            (SHIPPED / f"{source.name}.json").write_text(text, encoding="utf-8")
            typer.echo(source.name)
    for file, begin, end, lines in (
        ("NOTICE", NOTICE_BEGIN, NOTICE_END, notice_lines(listed)),
        ("docs/robots.md", TABLE_BEGIN, TABLE_END, table_lines(listed)),
    ):
        text = between((ROOT / file).read_text(encoding="utf-8"), begin, end, lines)
        (ROOT / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
