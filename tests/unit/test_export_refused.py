"""What cannot become a data set is refused with its reason, and nothing half written is left."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from io import BytesIO

import obstore
import pytest
from typer.testing import CliRunner

from deploy.cli.app import app
from schemas.codec import encode
from sinks.catalogue import Episode
from sinks.datasets.episode import CorruptEpisodeError
from sinks.datasets.plan import ExportError
from sinks.datasets.signals import ActionKind
from sinks.objects import read_object
from tests import make
from tests.export_make import STORE, digests, folding, run
from tests.lake_make import seal, simulated
from tests.small_disk import fill, small_disk


@pytest.fixture(scope="module")
def fold() -> list[Episode]:
    return folding()


class TestWhatCannotBecomeADataSet:
    def test_nothing_chosen(self, tmp_path) -> None:
        with pytest.raises(ExportError, match="no complete episode"):
            run(tmp_path / "set", [])

    def test_several_robots_without_a_target(self, tmp_path, fold) -> None:
        mixed = [*fold, *seal(STORE, [simulated("pollen", 2, 60)])]
        with pytest.raises(ExportError, match=r"mixes 2 robots .* --as"):
            run(tmp_path / "set", mixed)
        assert not (tmp_path / "set").exists()

    def test_a_stream_without_a_whole_limb(self, tmp_path) -> None:
        """A log whose arms lack their elbows, as K-Bot's recordings lack all joints but one."""
        log = simulated("pollen", 9, 60)
        vendor = make.vendor("pollen")
        for place, record in enumerate(log.records):
            value = json.loads(record.value[5:]) if b"l_arm" in record.value else None
            if value is not None:
                for arm in ("l_arm", "r_arm"):
                    value[arm] = [[*row[:3], None, *row[4:]] for row in value[arm]]
                log.records[place] = replace(record, value=encode(vendor.schema, value))
        with pytest.raises(ExportError, match="no limb of it is whole"):
            run(tmp_path / "set", seal(STORE, [log]))

    def test_a_folder_that_is_taken(self, tmp_path, fold) -> None:
        (tmp_path / "note").write_text("mine")
        with pytest.raises(ExportError, match="is there already"):
            run(tmp_path, fold)
        assert (tmp_path / "note").read_text() == "mine"

    def test_an_object_that_was_changed(self, tmp_path) -> None:
        (episode,) = seal(STORE, [simulated("unitree", 77, 60)])
        key = json.loads(read_object(STORE, episode.manifest or ""))["segments"][0]["key"]
        changed = bytearray(read_object(STORE, key))
        changed[len(changed) // 2] ^= 1
        obstore.put(STORE, key, bytes(changed))
        with pytest.raises(CorruptEpisodeError, match="not what was sealed"):
            run(tmp_path / "set", [episode])
        assert not (tmp_path / "set").exists()

    def test_too_few_episodes_for_a_split(self, tmp_path, fold) -> None:
        with pytest.raises(ExportError, match="would be empty"):
            run(tmp_path / "set", fold[:1], splits=(("train", 0.5), ("val", 0.5)))

    def test_delta_without_a_command(self, tmp_path) -> None:
        with pytest.raises(ExportError, match="use next-state"):
            run(tmp_path / "set", seal(STORE, [simulated("pollen", 3, 60)]),
                action=ActionKind.DELTA)  # fmt: skip


def test_a_full_disk_leaves_nothing_half_written_and_the_same_command_goes_on(
    tmp_path, fold
) -> None:
    whole = tmp_path / "whole"
    run(whole, fold)
    with small_disk(tmp_path / "disk", "2m") as disk:
        ballast = fill(disk)
        with pytest.raises(OSError, match="No space left"):
            run(disk / "set", fold)
        assert not (disk / "set").exists()
        ballast.unlink()
        run(disk / "set", fold)
        assert digests(disk / "set") == digests(whole)
        assert not list(disk.glob("*.building*"))


class TestTheCommand:
    """What `kinebus export` says before it has looked at any episode, or when none fits."""

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["--where", "task = fold"], "a text in single quotes"),
            (["--where", "task = 'a'; drop table frames"], "cannot read this"),
            (["--where", "task = 'a' or 1 = 1"], "a column's name"),
            (["--as", "no_such_robot"], "no_such_robot"),
            (["--as", "unitree_h1", "--space", "canonical"], "exclude each other"),
            (["--split", "train=0.9,val=0.2"], "add up to 1"),
            (["--full"], "goes with --space canonical"),
        ],
    )
    def test_a_wrong_word_is_usage(self, tmp_path, words: list[str], says: str) -> None:
        out = tmp_path / "set"
        done = CliRunner().invoke(app, ["export", "x", "--out", str(out), *words])
        assert done.exit_code == 2
        assert says in " ".join(done.stderr.split())
        assert not out.exists()

    @pytest.mark.parametrize(
        ("raised", "says"),
        [
            (OSError(errno.ENOSPC, "No space left on device"), "the same command goes on"),
            (CorruptEpisodeError("a/b is not what was sealed"), "a/b is not what was sealed"),
        ],
    )
    def test_what_goes_wrong_later_is_a_failure_with_advice(
        self, tmp_path, monkeypatch, raised: Exception, says: str
    ) -> None:
        def fail(*_: object) -> None:
            raise raised

        monkeypatch.setattr("deploy.cli.export.connect", lambda *_: BytesIO())
        monkeypatch.setattr("deploy.cli.export.list_episodes", lambda *_, **__: [])
        monkeypatch.setattr("deploy.cli.export.export", fail)
        monkeypatch.setenv("CLICKHOUSE_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("KINEBUS_LAKE", str(tmp_path / "lake"))
        done = CliRunner().invoke(app, ["export", "x", "--out", str(tmp_path / "set")])
        assert done.exit_code == 1
        assert says in " ".join(done.stderr.split())

    def test_nothing_that_fits_is_said(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr("deploy.cli.export.connect", lambda *_: BytesIO())
        monkeypatch.setattr("deploy.cli.export.list_episodes", lambda *_, **__: [])
        monkeypatch.setenv("CLICKHOUSE_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("KINEBUS_LAKE", str(tmp_path / "lake"))
        done = CliRunner().invoke(app, ["export", "x", "--out", str(tmp_path / "set")])
        assert done.exit_code == 1
        assert "no complete episode fits" in " ".join(done.stderr.split())
        assert not (tmp_path / "set").exists()
