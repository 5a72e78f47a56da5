"""What a description file may be before anything is built of it: bounded, plain, of a known kind.

One pass of the parser, with no tree: declared entities, nesting that no robot has, and MJCF
elements that multiply themselves without measure are refused here.
"""

from __future__ import annotations

import codecs
import math
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from xml.parsers import expat

from producers.onboarding.description import MAX_BYTES, DescriptionError

# A body carried by a body: the longest chain of joints that is read, with room for fixed links.
MAX_DEPTH: Final = 600
# MJCF: so many copies of a body or of a rope's pieces, all multiplied.
_MAX_COPIES: Final = 1000
_MAX_INCLUDES: Final = 100
_COPYING: Final = ("replicate", "composite", "flexcomp")
# First tags of MJCF: of a model, and of a part that models include.
MJCF_TAGS: Final = ("mujoco", "mujocoinclude")
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ENCODING: Final = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""")


def first_tag(path: Path) -> str:
    """Tag of a description's element; raises DescriptionError for what must not be read on.

    Files that an MJCF includes are looked at likewise.
    """
    passed = _Pass(path)
    pending, seen = [(name, path) for name in passed.includes], {path.resolve()}
    while pending and passed.tag in MJCF_TAGS:
        file = included_file(*pending.pop(), path)
        if file is None or file.resolve() in seen:
            continue
        seen.add(file.resolve())
        if len(seen) > _MAX_INCLUDES:
            raise DescriptionError(f"{path.name}: more than {_MAX_INCLUDES} files are included")
        pending += [(name, file) for name in _Pass(file, passed.copies).includes]
    return passed.tag


def included_file(name: str, by: Path, main: Path) -> Path | None:
    """The file that an MJCF's part includes: beside the whole model, or beside that part."""
    for folder in (main.parent, by.parent):
        if name and (folder / name).is_file():
            return folder / name
    return None


def read_bounded(path: Path) -> bytes:
    """A regular file's bytes, at most `MAX_BYTES`, without what makers leave around its text."""
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise DescriptionError(f"{path}: no regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DescriptionError(f"{path}: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise DescriptionError(f"{path.name}: more than {MAX_BYTES} bytes, at most those are read")
    return data if b"\0" in data[:4] or data[:2] in _WIDE else _tidied(data)


def _tidied(data: bytes) -> bytes:
    """Text in single bytes: blanks around it dropped, and bytes that are no UTF-8 replaced.

    Such stand in comments and names of meshes that other tools wrote in their own code page.
    """
    data = data.removeprefix(codecs.BOM_UTF8).strip(b" \t\r\n\0")
    declared = _ENCODING.match(data)
    if declared is not None and declared[1].lower() not in (b"utf-8", b"utf8"):
        return data
    return data.decode("utf-8", errors="replace").encode()


class _Pass:
    """Walks a file once: its first tag, what it includes, how often its bodies are copied."""

    def __init__(self, path: Path, copies: int = 1) -> None:
        self.name, self.tag, self.depth, self.copies = path.name, "", 0, copies
        self.includes: list[str] = []
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        data = read_bounded(path)
        if not data.strip():
            raise DescriptionError(f"{self.name}: not XML: it is empty")
        try:
            parser.Parse(data, True)
        except (expat.ExpatError, LookupError, ValueError) as error:
            if isinstance(error, DescriptionError):
                raise
            raise DescriptionError(f"{self.name}: not XML: {error}") from error

    def _doctype(self, _: str, __: str | None, ___: str | None, declares: bool) -> None:
        if declares:
            raise DescriptionError(f"{self.name}: entities and their declarations are not read")

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.tag = self.tag or tag
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise DescriptionError(f"{self.name}: nested deeper than {MAX_DEPTH} elements")
        if tag == "include" and "file" in attributes:
            self.includes.append(attributes["file"])
        if tag in _COPYING:
            self.copies *= _count(attributes.get("count", "1"))
            if self.copies > _MAX_COPIES:
                told = f"{self.copies} copies, at most {_MAX_COPIES} are read"
                raise DescriptionError(f"{self.name}: <{tag}> makes {told}")

    def _end(self, _: str) -> None:
        self.depth -= 1


def _count(text: str) -> int:
    """Product of the numbers of a count; what is no number mujoco refuses."""
    return math.prod(
        max(1, int(part)) for part in text.split() if part.isascii() and part.isdigit()
    )
