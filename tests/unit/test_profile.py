"""Profiles: the packaged ones fit their schemas and bodies; contradictions are refused."""

from __future__ import annotations

import tomllib

import pytest
from pydantic import ValidationError

from schemas.blocks import block_fields
from schemas.profile import Encoding, Layout, Profile
from schemas.vendors import PROFILES_DIR, ProfileError, load_vendors

PATHS = sorted(PROFILES_DIR.glob("*.toml"))
VENDORS = load_vendors()


def document(**changes):
    base = {
        "vendor": "acme",
        "name": "acme-one",
        "version": 1,
        "title": "Acme One",
        "embodiment": "unitree_g1_29dof",
        "encoding": "avro",
        "schema": "raw_acme",
        "rate_hz": 50.0,
        "groups": [{"joints": ["a", "b"], "position": {"field": "q", "columns": [0, 2]}}],
    }
    return base | changes


def group(**changes):
    return {"joints": ["a"], "position": {"field": "q"}} | changes


def sources(profile):
    for each in profile.groups:
        yield from (s for s in (each.position, each.velocity, each.effort, each.action) if s)
    base = profile.base
    yield from (s for s in (base.position, base.angular_velocity, base.acceleration) if s)
    if base.rotation:
        yield base.rotation.source


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_packaged_profile_speaks_of_fields_its_schema_has(path):
    profile = Profile.model_validate(tomllib.loads(path.read_text()))
    schema = VENDORS.by_profile[profile.id].schema
    if profile.layout is Layout.SPARSE:
        return
    blocks = block_fields(schema.document)
    for source in sources(profile):
        if profile.encoding is Encoding.JSON:
            assert source.field in schema.document["properties"]
        else:
            stop = source.columns[1] if source.columns else 0
            assert stop <= blocks[source.field].columns


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_two_channels_read_the_same_column(path):
    profile = Profile.model_validate(tomllib.loads(path.read_text()))
    taken = set()
    for each in profile.groups:
        start = each.position.columns[0] if each.position.columns else 0
        columns = {(each.position.field, start + n) for n in range(len(each.channels))}
        if profile.layout is Layout.SPARSE:
            columns = set(each.ids)
        assert not columns & taken
        taken |= columns


def test_tienkungs_legs_are_not_in_chain_order():
    names = VENDORS.by_profile["xhumanoid-tienkung-lite@1"].profile.channel_names
    assert names[:3] == ("hip_roll_l_joint", "hip_pitch_l_joint", "hip_yaw_l_joint")
    assert names[6:9] == ("hip_roll_r_joint", "hip_pitch_r_joint", "hip_yaw_r_joint")


def test_gr1s_hand_codes_are_no_positions():
    profile = VENDORS.by_profile["fourier-gr1@1"].profile
    commanded = [g for g in profile.groups if g.action is not None]
    assert all("proximal" not in name for g in commanded for name in g.channels)
    assert len(profile.channel_names) == 44


@pytest.mark.parametrize(
    "changes",
    [
        {"vendor": "Not A Topic"},
        {"version": 0},
        {"rate_hz": 0},
        {"groups": []},
        {"groups": [group(), group()]},
        {"groups": [group(dofs=["left_index_flexion"])]},
        {"groups": [group(joints=[])]},
        {"groups": [group(unit="furlong")]},
        {"groups": [group(open=1.0, closed=1.0)]},
        {"groups": [group(signs=[1, 1])]},
        {"groups": [group(signs=[2])]},
        {"groups": [group(position={"field": "q", "columns": [0, 2]})]},
        {"groups": [group(joints=[f"j{n}" for n in range(513)])]},
        {"layout": "sparse"},
        {"layout": "sparse", "sparse": {"frames": "f", "entries": "e", "id": "i"}},
        {"clock": {"field": "t"}},
        {"clock": {"epoch": "unix"}},
        {"surprise": 1},
    ],
    ids=lambda changes: "-".join(map(str, changes)),
)
def test_contradictions_are_refused(changes):
    with pytest.raises(ValidationError):
        Profile.model_validate(document(**changes))


def test_a_users_profile_needs_a_joint_that_exists(tmp_path):
    (tmp_path / "raw_acme.avsc").write_text('{"type": "record", "name": "Acme", "fields": []}')
    (tmp_path / "acme.toml").write_text(
        'vendor="acme"\nname="acme-one"\nversion=1\ntitle="Acme"\nembodiment="unitree_g1_29dof"\n'
        'encoding="avro"\nschema="raw_acme"\nrate_hz=50\n'
        '[[groups]]\njoints=["no_such_joint"]\nposition={field="q"}\n'
    )
    with pytest.raises(ProfileError, match="no_such_joint"):
        load_vendors(tmp_path)
