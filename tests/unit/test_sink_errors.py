"""What a sink waits for, and what ends it: judged on the errors that the libraries really raise."""

from __future__ import annotations

from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from deploy.ports import free_port
from sinks.clickhouse.client import clickhouse_may_recover, connect, connect_created
from sinks.objects import list_keys, open_store, put_once, read_object, store_may_recover


def raised(action: object, *arguments: object) -> BaseException:
    """What a call raises."""
    assert callable(action)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        action(*arguments)
    return caught.value


def test_a_store_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    store = open_store("s3://bucket/prefix")
    for error in (
        raised(put_once, store, "key", b"data"),
        raised(read_object, store, "key"),
        raised(lambda: list(list_keys(store, "prefix"))),
    ):
        assert store_may_recover(error), error


def test_a_folder_that_cannot_be_written_is_waited_for(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    (tmp_path / "taken").write_bytes(b"a file where a folder should be")
    assert store_may_recover(raised(put_once, store, "taken/key", b"data"))


def test_an_object_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    error = raised(read_object, open_store(str(tmp_path)), "nothing")
    assert isinstance(error, FileNotFoundError)
    assert not store_may_recover(error)
    assert not store_may_recover(ValueError("a bug"))


def test_a_clickhouse_that_is_away_is_waited_for() -> None:
    error = raised(connect, f"http://127.0.0.1:{free_port()}", "default")
    assert isinstance(error, OperationalError)
    assert clickhouse_may_recover(error)
    assert clickhouse_may_recover(ConnectionResetError())


@pytest.mark.parametrize(
    ("code", "name", "passes"),
    [
        (241, "MEMORY_LIMIT_EXCEEDED", True),
        (252, "TOO_MANY_PARTS", True),
        (202, "TOO_MANY_SIMULTANEOUS_QUERIES", True),
        (243, "NOT_ENOUGH_SPACE", True),
        (60, "UNKNOWN_TABLE", False),
        (53, "TYPE_MISMATCH", False),
        (62, "SYNTAX_ERROR", False),
    ],
)
def test_a_busy_clickhouse_is_waited_for_and_a_bug_is_not(
    code: int, name: str, passes: bool
) -> None:
    text = f"Received ClickHouse exception, code: {code}, server response: Code: {code}. {name}"
    assert clickhouse_may_recover(DatabaseError(text)) is passes


def test_a_database_has_a_plain_name() -> None:
    error = raised(connect_created, "http://127.0.0.1:1", "x; DROP DATABASE y")
    assert isinstance(error, ValueError)
