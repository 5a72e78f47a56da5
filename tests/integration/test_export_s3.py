"""A data set in object storage: every object as the manifest lists it, whole or not finished."""

from __future__ import annotations

import json

import boto3
import obstore
import pytest
from obstore.exceptions import GenericError

from deploy.containers import S3
from sinks.datasets import publish
from sinks.datasets.export import Exported, Format, export
from sinks.datasets.plan import Choice, ExportError
from sinks.objects import digest, list_keys, open_store, read_object
from tests import make
from tests.export_make import STORE, folding
from tests.sink_rig import unique

EPISODES = folding()


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    name = unique("sets")
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}/folding"


def run(out: str) -> Exported:
    return export(Choice("set"), Format.LEROBOT_V3, out, "all", EPISODES, STORE, make.vendors(),
                  lambda *_: None)  # fmt: skip


def test_every_object_is_there_as_the_manifest_lists_it(bucket: str) -> None:
    done = run(bucket)
    store = open_store(bucket)
    manifest = json.loads(read_object(store, "meta/kinebus.json"))
    listed = {file["path"]: file["sha256"] for file in manifest["files"]}
    keys = {key for key, _ in list_keys(store, "")}
    assert keys == {*listed, "meta/kinebus.json"}
    assert all(digest(read_object(store, key)) == sha for key, sha in listed.items())
    assert json.loads(read_object(store, "meta/info.json"))["total_frames"] == done.frames
    with pytest.raises(ExportError, match="holds a data set already"):
        run(bucket)


def test_an_upload_that_ended_anywhere_is_not_finished_and_goes_on(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, left = obstore.put, [3]

    def broken(*arguments: object, **options: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise GenericError("the connection broke")
        return put(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(publish.obstore, "put", broken)
        with pytest.raises(GenericError):
            run(bucket)
    held = {key for key, _ in list_keys(open_store(bucket), "")}
    assert len(held) == 3
    assert "meta/kinebus.json" not in held
    run(bucket)
    assert held < {key for key, _ in list_keys(open_store(bucket), "")}


def test_something_else_under_a_key_is_not_overwritten(bucket: str) -> None:
    store = open_store(bucket)
    obstore.put(store, "meta/info.json", b"mine")
    with pytest.raises(ExportError, match="with other bytes"):
        run(bucket)
    assert read_object(store, "meta/info.json") == b"mine"
