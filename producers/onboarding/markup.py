"""A description's elements as they are written: no namespaces, so prefixes are parts of tags."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from producers.onboarding.guard import read_bounded


def read_markup(path: Path) -> ElementTree.Element:
    """Element tree of a file that has passed `guard.first_tag`.

    The usual parser refuses a prefix that nobody declared and renames every tag where a file
    declares a namespace of its own; robots' tools take both as they are.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.Parse(read_bounded(path), True)
    return builder.close()
