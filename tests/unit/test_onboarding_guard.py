"""Files that would cost memory or time, and what is no file: refused before anything is built."""

from __future__ import annotations

import contextlib
import os
import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.onboarding.description import DescriptionError
from producers.onboarding.onboard import onboard
from tests import onboarding_robots as robots

LAUGHS = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
BOMB = f'<!DOCTYPE r [<!ENTITY a0 "ha">{LAUGHS}]><robot name="&a11;"/>'
OUTSIDE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><robot name="r">&x;</robot>'
MJCF = "<mujoco><worldbody>{}</worldbody></mujoco>"
NESTED = {
    "elements": "<robot>" + "<a>" * 100_000 + "</a>" * 100_000 + "</robot>",
    "bodies": MJCF.format("<body>" * 100_000 + "</body>" * 100_000),
}
COPIES = {
    "replicate": '<replicate count="100000"><body/></replicate>',
    "one in another": '<replicate count="900"><replicate count="9"/></replicate>',
    "composite": '<composite type="cable" count="100000 1 1"/>',
    "flexcomp": '<flexcomp type="grid" name="f" count="1000 1000 1000"/>',
}


def refused(data: bytes, tmp_path: Path, reason: str, name: str = "made.urdf") -> None:
    """It is refused with a reason, at the cost of some megabytes."""
    file = tmp_path / name
    file.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(DescriptionError, match=reason):
        onboard(file)
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("text", [BOMB, OUTSIDE, BOMB.replace("robot", "mujoco")])
def test_entities_are_refused_in_any_encoding(text: str, encoding: str, tmp_path: Path) -> None:
    head = f'<?xml version="1.0" encoding="{encoding[:6]}"?>'
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    refused((mark + head + text).encode(encoding), tmp_path, "entities")


@pytest.mark.parametrize("what", NESTED)
def test_nesting_that_no_robot_has_is_refused(what: str, tmp_path: Path) -> None:
    refused(NESTED[what].encode(), tmp_path, "nested deeper")


@pytest.mark.parametrize("what", COPIES)
def test_bodies_that_multiply_are_refused(what: str, tmp_path: Path) -> None:
    refused(MJCF.format(COPIES[what]).encode(), tmp_path, "copies, at most")


def test_bodies_that_multiply_in_an_included_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "more.xml").write_text(MJCF.format(COPIES["replicate"]), encoding="utf-8")
    text = '<mujoco><include file="more.xml"/></mujoco>'
    refused(text.encode(), tmp_path, "copies, at most", "made.xml")


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    refused(b'<mujoco><include file="made.xml"/></mujoco>', tmp_path, "mujoco", "made.xml")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (bytes(range(256)) * 40, "not XML"),
        (b"\x7fELF" + b"\0" * 1000, "not XML"),
        (b"<robot>" + b" " * 8_000_001, "at most"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    refused(data, tmp_path, reason)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    loop, pipe = tmp_path / "loop.urdf", tmp_path / "pipe.urdf"
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    for path, reason in (
        (tmp_path, "directory"),
        (loop, "symbolic links"),
        (pipe, "no regular file"),
        (Path("/dev/zero"), "no regular file"),
        (tmp_path / "nowhere.urdf", "No such file"),
    ):
        with pytest.raises(DescriptionError, match=reason):
            onboard(path)


TEXT_OF = re.compile(r'"[^"]*"|<[^>]*>')
ODD = st.sampled_from(
    [
        '""',
        '"nan"',
        '"1e308 0 0"',
        '"0 0 0"',
        '"-"',
        '"fixed"',
        '"prismatic"',
        '"left_elbow"',
        '"inf"',
        "",
    ]
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spoilt=st.lists(st.tuples(st.integers(0, 2000), ODD), min_size=1, max_size=4))
def test_a_spoilt_description_is_read_or_refused(
    spoilt: list[tuple[int, str]], tmp_path: Path
) -> None:
    """Whatever stands in a file, it is an embodiment or a DescriptionError, never another error."""
    file = robots.humanoid(hand="fingers").write(tmp_path)
    text = file.read_text(encoding="utf-8")
    for place, odd in spoilt:
        found = list(TEXT_OF.finditer(text))
        at = found[place % len(found)]
        text = text[: at.start()] + odd + text[at.end() :]
    file.write_text(text, encoding="utf-8")
    with contextlib.suppress(DescriptionError):
        assert onboard(file).embodiment.joints
