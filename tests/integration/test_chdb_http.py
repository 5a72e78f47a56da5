"""The embedded ClickHouse behaves like a server to ClickHouse's own client."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.clickhouse.service import prepare_clickhouse, running_clickhouse
from deploy.service import ServiceError, running, stop

TABLE = """CREATE TABLE {name} (
    robot String,
    sequence UInt64,
    position_rad Array(Float32),
    note LowCardinality(String) DEFAULT 'none'
) ENGINE = ReplacingMergeTree ORDER BY (robot, sequence)
SETTINGS non_replicated_deduplication_window = 1000"""

NOBODY_ENDS_THIS = "SELECT count() FROM numbers(1e15) WHERE NOT ignore(sipHash64(number))"


def connect(url: str, **options: Any) -> Client:
    return clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False, **options)


def chunks(robot: str, count: int, first: int = 0) -> pa.Table:
    return pa.table(
        {
            # Not in the table's order: a server goes by name.
            "position_rad": pa.array(
                [[0.5, float(n)] for n in range(count)], pa.list_(pa.float32())
            ),
            "sequence": pa.array(range(first, first + count), pa.uint64()),
            "robot": [robot] * count,
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chdb")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with running_clickhouse(folder) as url:
        yield url


@pytest.fixture
def table(url: str) -> str:
    client = connect(url)
    client.command("CREATE DATABASE IF NOT EXISTS kinebus ENGINE = Atomic")
    name = f"kinebus.t{uuid.uuid4().hex}"
    client.command(TABLE.format(name=name))
    return name


@pytest.mark.parametrize("compress", [True, False, "gzip", "zstd", "lz4"])
def test_rows_go_in_and_out_under_every_compression(
    url: str, table: str, compress: bool | str
) -> None:
    client = connect(url, compress=compress)
    rows = [["a", 1, [0.5, -1.5]], ["b", 2, []]]
    columns = ["robot", "sequence", "position_rad"]
    summary = client.insert(table, rows, column_names=columns)
    assert summary.written_rows == 2
    result = client.query(f"SELECT * FROM {table} ORDER BY robot")
    assert result.column_names == ("robot", "sequence", "position_rad", "note")
    assert result.result_rows == [("a", 1, [0.5, -1.5], "none"), ("b", 2, [], "none")]


def test_arrow_goes_in_by_name_and_out_again(url: str, table: str) -> None:
    client = connect(url)
    client.insert_arrow(table, chunks("a", 100))
    out = client.query_arrow(f"SELECT position_rad, sequence, robot FROM {table} ORDER BY sequence")
    assert out.to_pydict() == chunks("a", 100).to_pydict()


def test_a_token_seen_before_drops_the_block(url: str, table: str) -> None:
    client = connect(url)
    for token, first in (("one", 0), ("one", 0), ("two", 10)):
        client.insert_arrow(
            table, chunks("a", 10, first), settings={"insert_deduplication_token": token}
        )
    assert client.command(f"SELECT count() FROM {table}") == 20


def test_inline_rows_and_raw_rows(url: str, table: str) -> None:
    client = connect(url)
    client.command(f"INSERT INTO {table} (robot, sequence) VALUES ('a', 1), ('b', 2)")
    json = '{"robot": "c", "sequence": 3}\n'
    client.raw_insert(table, ["robot", "sequence"], json, fmt="JSONEachRow")
    client.raw_insert(table, ["robot", "sequence"], b"d\t4\n", fmt="TSV")
    client.command(f"INSERT INTO {table} SELECT 'e', 5, [], 'selected'")
    got = client.query(f"SELECT robot, sequence, note FROM {table} ORDER BY robot").result_rows
    assert [row[0] for row in got] == ["a", "b", "c", "d", "e"]
    assert got[-1] == ("e", 5, "selected")


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("SELEC 1", 62, 400),
        ("SELECT * FROM kinebus.nowhere", 60, 404),
        ("SELECT throwIf(1)", 395, 500),
        ("SELECT throwIf(number = 300000) FROM numbers(400000) FORMAT Native", 395, 500),
        ("INSERT INTO kinebus.nowhere FORMAT TSV\n1\n", 60, 404),
        ("SELECT {missing:UInt8}", 456, 500),
    ],
)
def test_errors_are_those_of_a_server(
    url: str, table: str, sql: str, code: int, status: int
) -> None:
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(url, sql.encode())
    assert answer.value.status == status
    assert answer.value.headers["X-ClickHouse-Exception-Code"] == str(code)
    assert answer.value.read().startswith(f"Code: {code}. DB::Exception: ".encode())
    with pytest.raises(DatabaseError, match=f"code: {code}"):
        connect(url).command(sql)


def test_an_unknown_setting_is_refused(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(f"{url}/?no_such_setting=1", b"SELECT 1")
    assert answer.value.headers["X-ClickHouse-Exception-Code"] == "115"


def test_parameters_of_any_length_and_content(url: str) -> None:
    client = connect(url)
    for text in ("", "it's\n\t\\N", "日本語", "x" * 300_000):
        sql = "SELECT {text:String}, {number:Int64}"
        assert client.query(sql, parameters={"text": text, "number": -5}).result_rows == [
            (text, -5)
        ]


def test_the_query_may_stand_in_the_url(url: str) -> None:
    with urllib.request.urlopen(
        f"{url}/?query=SELECT%201%20AS%20x%20FORMAT%20JSONEachRow"
    ) as reply:
        assert reply.read() == b'{"x":1}\n'
        assert reply.headers["X-ClickHouse-Format"] == "JSONEachRow"
    request = urllib.request.Request(url, b"SELECT 1, 2", {"X-ClickHouse-Format": "CSV"})
    with urllib.request.urlopen(request) as reply:
        assert reply.read() == b"1,2\n"


def test_a_get_only_reads_and_a_web_page_gets_nothing(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(f"{url}/?query=CREATE%20DATABASE%20stray")
    assert answer.value.headers["X-ClickHouse-Exception-Code"] == "164"
    page = urllib.request.Request(url, b"SELECT 1", {"Origin": "http://elsewhere"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(page)


def test_readers_are_capped_whatever_they_ask_for(url: str) -> None:
    asked = {"max_threads": "64", "max_execution_time": "0"}
    sql = "SELECT getSetting('max_threads'), getSetting('max_execution_time')"
    assert connect(url).query(sql, settings=asked).result_rows == [(1, 300)]


def test_a_large_result_takes_disk_and_leaves_none_behind(url: str, folder: Path) -> None:
    result = connect(url).query_arrow("SELECT number, repeat('x', 50) AS s FROM numbers(500000)")
    assert result.num_rows == 500_000
    assert list((folder / "spool").iterdir()) == []


def test_rows_cut_short_are_not_kept(url: str, table: str) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, chunks("a", 1).schema) as writer:
        writer.write_table(chunks("a", 5_000))
    body = sink.getvalue().to_pybytes()
    client = connect(url)
    with pytest.raises(DatabaseError, match="code: 33"):
        client.raw_insert(
            table, ["position_rad", "sequence", "robot"], body[:-5_000], fmt="ArrowStream"
        )
    assert client.command(f"SELECT count() FROM {table}") == 0


def test_inserts_do_not_wait_behind_a_long_query(url: str, table: str) -> None:
    ended = threading.Event()

    def ask() -> None:
        with pytest.raises(DatabaseError, match="code: 159"):
            connect(url).query(NOBODY_ENDS_THIS, settings={"max_execution_time": 8})
        ended.set()

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.5)
    client = connect(url)
    for n in range(20):
        client.insert_arrow(table, chunks("a", 400, 400 * n))
    assert client.command(f"SELECT count() FROM {table}") == 8_000
    assert not ended.is_set()
    asking.join()


def test_many_clients_at_once_each_get_their_own(url: str, table: str) -> None:
    def work(n: int) -> int:
        client = connect(url)
        for k in range(10):
            client.insert_arrow(table, chunks(f"r{n}", 20, 20 * k))
        return int(client.command(f"SELECT count() FROM {table} WHERE robot = 'r{n}'"))

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(work, range(12))) == [200] * 12


def test_a_folder_that_is_served_already_is_said(url: str, folder: Path) -> None:
    with (
        pytest.raises(ServiceError, match=r"another process serves .*CLICKHOUSE_URL"),
        running_clickhouse(folder),
    ):
        pytest.fail("two processes serve one folder")


def test_sigkill_keeps_what_was_acknowledged_and_its_tokens(tmp_path: Path) -> None:
    server = prepare_clickhouse(tmp_path)
    token = {"insert_deduplication_token": "one"}
    with running(server.service) as process:
        client = connect(server.url)
        client.command("CREATE DATABASE kinebus ENGINE = Atomic")
        client.command(TABLE.format(name="kinebus.chunks"))
        client.insert_arrow("kinebus.chunks", chunks("a", 100), settings=token)
        process.kill()
        process.wait()
    (tmp_path / "spool" / "result-left-behind").write_bytes(b"x" * 1_000)
    with running(server.service) as process:
        client = connect(server.url)
        client.insert_arrow("kinebus.chunks", chunks("a", 100), settings=token)
        assert client.command("SELECT count() FROM kinebus.chunks") == 100
        assert list((tmp_path / "spool").iterdir()) == []
        assert stop(server.service, process) == 0
