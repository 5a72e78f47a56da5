"""Descriptions that are broken, hostile or no robot: a clear error, or a clear note."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.app import app
from producers.onboarding.description import DescriptionError
from producers.onboarding.onboard import onboard
from schemas.embodiment import load_embodiment
from tests import onboarding_robots as robots

LINKS = '<link name="a"/><link name="b"/><link name="c"/>'
JOINT = (
    '<joint name="{n}" type="{t}"><parent link="{p}"/><child link="{c}"/><axis xyz="{x}"/>'
    '<limit lower="-1" upper="1"/></joint>'
)


def joint(n: str, p: str, c: str, t: str = "revolute", x: str = "0 0 1") -> str:
    return JOINT.format(n=n, p=p, c=c, t=t, x=x)


def robot(body: str) -> str:
    return f'<robot name="r">{body}</robot>'


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><robot name="&b;"/>'
REFUSED = {
    "not XML": ("this is a robot", "not XML"),
    "empty": ("", "not XML"),
    "cut short": (robot(LINKS)[:-20], "not XML"),
    "another document": ("<html/>", "neither a URDF"),
    "entity bomb": (BOMB, "entities"),
    "entity bomb in MJCF": (BOMB.replace("robot", "mujoco"), "entities"),
    "cycle": (
        robot(LINKS + joint("i", "b", "c") + joint("j", "c", "b")),
        "in a circle",
    ),
    "all in a circle": (
        robot(LINKS + joint("i", "a", "b") + joint("j", "b", "c") + joint("k", "c", "a")),
        "in a circle",
    ),
    "two parents": (robot(LINKS + joint("i", "a", "b") + joint("j", "c", "b")), "two parents"),
    "NaN": (robot(LINKS + joint("i", "a", "b", x="0 nan 1") + joint("j", "b", "c")), "finite"),
    "unknown joint type": (
        robot(LINKS + joint("i", "a", "b", "gearbox") + joint("j", "b", "c")),
        "'gearbox'",
    ),
    "a template of xacro's": (
        '<robot name="r"><xacro:include filename="arm.xacro"/><link name="world"/></robot>',
        "expand the file first",
    ),
    "a number that xacro would work out": (
        robot(LINKS + joint("i", "a", "b", x="${pi} 0 1") + joint("j", "b", "c")),
        "expanded first",
    ),
    "no joint": (robot('<link name="a"/>'), "no moving joint"),
    "too many joints": (
        robot(
            "".join(f'<link name="l{i}"/>' for i in range(700))
            + "".join(joint(f"j{i}", f"l{i}", f"l{i + 1}") for i in range(699))
        ),
        "at most 500",
    ),
    "a joint listed twice": (
        robot(LINKS + joint("i", "a", "b") + joint("i", "b", "c")),
        "listed twice",
    ),
    "unknown encoding": ('<?xml version="1.0" encoding="klingon"?><robot name="r"/>', "not XML"),
    "broken MJCF": ("<mujoco><worldbody><joint/></worldbody></mujoco>", "mujoco cannot read it"),
}


def made(text: str, tmp_path: Path) -> Path:
    file = tmp_path / "made.urdf"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_says_why(case: str, tmp_path: Path) -> None:
    text, reason = REFUSED[case]
    with pytest.raises(DescriptionError, match=reason):
        onboard(made(text, tmp_path))


PELVIS = '<link name="pelvis">'
FREE = (
    '<link name="cup"/><joint name="cup_j" type="{}"><parent link="pelvis"/><child link="cup"/>{}'
)
MENDED = {
    "a link listed twice": ('<link name="pelvis"/>', "'pelvis' is listed twice"),
    "a link that hangs on nothing": ('<link name="stray"/>', "'stray' hangs on nothing"),
    "a link that is not described": (
        '<joint name="k" type="fixed"><parent link="pelvis"/><child link="ghost"/></joint>',
        "'ghost', which is not described",
    ),
    **{
        kind: (FREE.format(kind, "</joint>"), f"cup_j: a {kind} joint, taken as rigid")
        for kind in ("floating", "planar", "spherical")
    },
    "a zero axis": (FREE.format("revolute", '<axis xyz="0 0 0"/></joint>'), "its axis is zero"),
}


@pytest.mark.parametrize("case", MENDED)
def test_what_is_read_otherwise_than_written_is_said(case: str, tmp_path: Path) -> None:
    added, note = MENDED[case]
    whole = onboard(humanoid(tmp_path)).found.complexes
    onboarded = onboard(humanoid(tmp_path, PELVIS, added + PELVIS))
    assert onboarded.found.complexes == whole
    assert any(note in said for said in onboarded.embodiment.confirm)


WRITTEN = {
    "blank lines before the declaration": lambda text: b'\n\n<?xml version="1.0"?>' + text,
    "zero bytes behind it": lambda text: text + b"\0\0\n",
    "a code page of its own": lambda text: text.replace(b"</robot>", b"<!-- 90\xb0 --></robot>"),
    "a document type": lambda text: b'<!DOCTYPE robot SYSTEM "urdf.dtd">' + text,
    "a namespace": lambda text: text.replace(b"<robot ", b'<robot xmlns="http://ros.org" '),
    "a prefix that nobody declared": lambda text: text.replace(b"</robot>", b"<g:p/></robot>"),
    "commas for blanks": lambda text: text.replace(b'xyz="0 1 0"', b'xyz="0,1, 0"'),
    "kinds in capitals": lambda text: text.replace(b'"revolute"', b'"Revolute"'),
    "a dot too many": lambda text: text.replace(b'upper="0.8"', b'upper="0.8."'),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_ways_of_writing_it_change_nothing(case: str, tmp_path: Path) -> None:
    file = humanoid(tmp_path)
    plain = onboard(file).embodiment
    text = file.read_bytes()
    written = WRITTEN[case](text.removeprefix(b'<?xml version="1.0"?>'))
    assert written != text
    file.write_bytes(written)
    assert onboard(file).embodiment == plain


def test_ten_megabytes_are_refused_unread(tmp_path: Path) -> None:
    padded = robot(LINKS + "<!--" + "x" * 10_000_000 + "-->")
    with pytest.raises(DescriptionError, match="at most"):
        onboard(made(padded, tmp_path))


def test_no_arms_and_no_legs_is_said(tmp_path: Path) -> None:
    rows = robot(LINKS + joint("i", "a", "b") + joint("j", "b", "c"))
    onboarded = onboard(made(rows, tmp_path))
    assert any("no arms and no legs" in note for note in onboarded.embodiment.confirm)
    assert not any(onboarded.found.complexes.values())


def test_a_long_chain_is_no_arm(tmp_path: Path) -> None:
    links = "".join(f'<link name="l{i}"/>' for i in range(300))
    rows = links + "".join(joint(f"j{i}", f"l{i}", f"l{i + 1}") for i in range(299))
    assert any("no arms" in note for note in onboard(made(robot(rows), tmp_path)).found.confirm)


def humanoid(tmp_path: Path, old: str = "", new: str = "") -> Path:
    file: Path = robots.humanoid(hand="fingers").write(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


def test_joints_all_at_one_point_leave_limbs_without_geometry(tmp_path: Path) -> None:
    file = humanoid(tmp_path)
    text = re.sub(r'<origin xyz="[^"]*"/><axis', "<axis", file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    embodiment = onboard(file).embodiment
    assert not any(name.startswith(("left", "right")) for name in embodiment.segments)
    assert any("the limb is left out" in note for note in embodiment.confirm)


def test_a_forearm_of_which_nothing_is_known_goes_straight_on_and_it_is_said(
    tmp_path: Path,
) -> None:
    file = robots.humanoid(wrist=0).write(tmp_path)
    text = re.sub(r"<inertial>.*?</inertial>", "", file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    embodiment = onboard(file).embodiment
    lengths = embodiment.limb_length_m
    assert lengths["left_forearm"] == pytest.approx(lengths["left_upper_arm"])
    assert any("left forearm: nothing tells" in note for note in embodiment.confirm)


def test_inverted_limits_are_unknown_and_said(tmp_path: Path) -> None:
    file = humanoid(tmp_path, 'lower="-0.8" upper="0.8"', 'lower="0.8" upper="-0.8"')
    embodiment = onboard(file).embodiment
    assert embodiment.joints[embodiment.joint_index["left_hip_pitch"]].lower is None
    assert any("left_hip_pitch: lower limit" in note for note in embodiment.confirm)


def test_numbers_with_a_comma_behind_are_read(tmp_path: Path) -> None:
    file = humanoid(tmp_path, 'lower="-0.8" upper="0.8"', 'lower="-0.8" upper="0.8,"')
    embodiment = onboard(file).embodiment
    assert embodiment.joints[embodiment.joint_index["left_hip_pitch"]].upper == 0.8


def test_a_mimic_of_a_missing_joint_is_passive_and_said(tmp_path: Path) -> None:
    file = humanoid(tmp_path, 'mimic joint="left_index_0"', 'mimic joint="nowhere"')
    onboarded = onboard(file)
    assert any("mimics nowhere" in note for note in onboarded.embodiment.confirm)
    assert "left_index_1" in onboarded.found.ignored


def test_mimics_in_a_circle_are_passive(tmp_path: Path) -> None:
    file = humanoid(tmp_path, 'mimic joint="left_index_0"', 'mimic joint="left_index_1"')
    assert any("left_index_1: mimics" in note for note in onboard(file).embodiment.confirm)


def test_millimetres_are_doubted(tmp_path: Path) -> None:
    file = humanoid(tmp_path)
    larger = re.sub(
        r'xyz="(\S+) (\S+) (\S+)"(?=/><axis)',
        lambda m: 'xyz="{} {} {}"'.format(*(1000 * float(x) for x in m.groups())),
        file.read_text(encoding="utf-8"),
    )
    file.write_text(larger, encoding="utf-8")
    assert any(note.startswith("size:") for note in onboard(file).found.confirm)


def test_templates_left_over_are_said(tmp_path: Path) -> None:
    left = '<link name="pelvis">', '<xacro:macro name="m"/><link name="pelvis">'
    file = humanoid(tmp_path, *left)
    text = file.read_text(encoding="utf-8")
    named = '<robot xmlns:xacro="http://www.ros.org/wiki/xacro" '
    file.write_text(text.replace("<robot ", named), encoding="utf-8")
    assert any("xacro elements" in note for note in onboard(file).found.confirm)


def test_shapes_are_not_looked_at(tmp_path: Path) -> None:
    shape = '<link name="pelvis"><collision><geometry><capsule radius="1"/></geometry></collision>'
    assert onboard(humanoid(tmp_path, '<link name="pelvis">', shape)).found.complexes["left_hip"]


def test_a_floating_root_is_left_above(tmp_path: Path) -> None:
    floating = '<link name="world"/>' + (
        '<joint name="free" type="floating"><parent link="world"/><child link="pelvis"/></joint>'
    )
    onboarded = onboard(
        humanoid(tmp_path, '<link name="pelvis">', f'{floating}<link name="pelvis">')
    )
    assert onboarded.embodiment.root == "pelvis"
    assert len(onboarded.found.complexes["left_hip"]) == 3


def test_an_override_beside_the_file_comes_first(tmp_path: Path) -> None:
    file = humanoid(tmp_path)
    file.with_suffix(".toml").write_text(
        'id = "mine"\nforward = "+x"\n[complexes]\nwaist = ["waist_yaw"]\n'
        '[left]\npalm = { frame = "left_wrist_yaw_link", source = "none" }\n',
        encoding="utf-8",
    )
    onboarded = onboard(file)
    assert onboarded.found.id == onboarded.embodiment.id == "mine"
    assert onboarded.found.complexes["waist"] == ("waist_yaw",)
    assert "waist_pitch" in onboarded.found.ignored
    assert onboarded.embodiment.palm["left"] == "none"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("complexes = ", "not TOML"),
        ("[complexes]\ntail = []", "unknown complexes"),
        ('[complexes]\nwaist = ["nowhere"]', "no joint 'nowhere'"),
        ('[left]\npalm = { frame = "nowhere", source = "none" }', "no frame 'nowhere'"),
        ('[left]\npalm = "hand"', "override"),
        ('forwrd = "+x"', "unknown key 'forwrd'"),
        ('forward = "north"', "forward is one of"),
        ('forward = "+z"', "not square"),
        ("[complexes]\nwaist = 3", "list of joints"),
        ('[limits]\nleft_elbow = ["a", "b"]', "override"),
    ],
)
def test_overrides_that_do_not_fit_are_refused(text: str, reason: str, tmp_path: Path) -> None:
    file = humanoid(tmp_path)
    override = tmp_path / "override.toml"
    override.write_text(text, encoding="utf-8")
    with pytest.raises(DescriptionError, match=reason):
        onboard(file, override)


def test_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "robot.json"
    run = CliRunner().invoke(app, ["onboard", str(humanoid(tmp_path)), "--out", str(out), "--json"])
    assert run.exit_code == 0, run.output
    document = json.loads(run.stdout)
    assert document["complexes"]["left_elbow"] == ["left_elbow"]
    assert document["confirm"]
    assert load_embodiment(out).complexes["left_elbow"] == ("left_elbow",)
    refused = CliRunner().invoke(app, ["onboard", str(made("no", tmp_path)), "--out", str(out)])
    assert refused.exit_code == 1
    assert "not XML" in " ".join(refused.output.split())
