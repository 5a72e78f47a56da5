"""Reading a request of ClickHouse's HTTP interface: statements, encodings, errors. No server."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
from backports import zstd

from deploy.clickhouse.body import RequestBody, decoded
from deploy.clickhouse.errors import ClickHouseError, error_from_chdb, render_error
from deploy.clickhouse.limits import Limits, reader_settings
from deploy.clickhouse.statement import (
    insert_head,
    only_reads,
    options_of,
    set_statement,
    split_format,
)

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
}
PLAIN = bytes(range(256)) * 40


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_a_body_reads_the_same_however_it_is_cut(encoding: str, size: int) -> None:
    encoded = ENCODERS[encoding](PLAIN)
    pieces = [encoded[at : at + size] for at in range(0, len(encoded), size)]
    assert b"".join(decoded(pieces, encoding)) == PLAIN


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4"])
def test_frames_follow_each_other_and_a_cut_one_is_an_error(encoding: str) -> None:
    encoded = ENCODERS[encoding](PLAIN)
    assert b"".join(decoded([encoded + encoded[:5], encoded[5:]], encoding)) == PLAIN * 2
    with pytest.raises(ClickHouseError, match="cut short"):
        list(decoded([encoded[:-3]], encoding))
    with pytest.raises(ClickHouseError, match="CANNOT_DECOMPRESS"):
        list(decoded([b"not compressed at all"], encoding))


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(ClickHouseError, match="Content-Encoding br is not known"):
        decoded([b""], "br")


def test_chunked_and_sized_bodies_end_where_the_next_request_begins() -> None:
    chunked = io.BytesIO(b"3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\n\r\nGET /")
    assert b"".join(RequestBody(chunked, None, chunked=True)) == b"abcdefgh"
    assert chunked.read() == b"GET /"
    sized = io.BytesIO(b"abcGET /")
    RequestBody(sized, 3, chunked=False).drain()
    assert sized.read() == b"GET /"


@pytest.mark.parametrize("chunked", [True, False])
def test_a_client_that_goes_away_is_noticed(chunked: bool) -> None:
    with pytest.raises(ConnectionError):
        RequestBody(io.BytesIO(b"9\r\nabc"), 100, chunked).drain()


@pytest.mark.parametrize(
    ("text", "sql", "format_name", "rows"),
    [
        (b"INSERT INTO t FORMAT Native\n\x01\x02", "INSERT INTO t", "Native", b"\x01\x02"),
        (
            b"insert into `a`.`b` (`x`) format TSV\n1\t2",
            "insert into `a`.`b` (`x`)",
            "TSV",
            b"1\t2",
        ),
        (
            b"INSERT INTO t SETTINGS a=1 FORMAT CSV\r\n\n1",
            "INSERT INTO t SETTINGS a=1",
            "CSV",
            b"\n1",
        ),
        (
            b"INSERT INTO t\n(formatted)\nFORMAT JSON {}",
            "INSERT INTO t\n(formatted)",
            "JSON",
            b"{}",
        ),
        (
            b"INSERT INTO t (`values`, `select`) FORMAT TSV 1",
            "INSERT INTO t (`values`, `select`)",
            "TSV",
            b"1",
        ),
        (b"INSERT INTO t FORMAT RowBinary\n SELECT ", "INSERT INTO t", "RowBinary", b" SELECT "),
    ],
)
def test_an_insert_ends_where_its_rows_begin(
    text: bytes, sql: str, format_name: str, rows: bytes
) -> None:
    head = insert_head(text)
    assert head is not None
    assert (head.sql, head.format, text[head.data_at :]) == (sql, format_name, rows)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 FORMAT TSV\n",
        b"INSERT INTO t VALUES (1)",
        b"INSERT INTO t (a) VALUES (' FORMAT x ')",
        b"INSERT INTO t SELECT 1 FORMAT TSV\n",
        b"INSERT INTO t (a)",
    ],
)
def test_a_statement_without_rows_in_a_format_is_left_alone(text: bytes) -> None:
    assert insert_head(text) is None


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT 1", True),
        ("  -- why\n/* and\nhow */ with x as (select 1) select * from x", True),
        ("(SELECT 1) UNION ALL (SELECT 2)", True),
        ("DESCRIBE TABLE t", True),
        ("INSERT INTO t SELECT 1", False),
        ("-- SELECT\nDROP TABLE t", False),
        ("OPTIMIZE TABLE t FINAL", False),
    ],
)
def test_readers_are_told_from_writers(sql: str, reads: bool) -> None:
    assert only_reads(sql) is reads


def test_the_closing_format_is_split_off() -> None:
    assert split_format("SELECT 1\n FORMAT Native ;") == ("SELECT 1", "Native")
    assert split_format("SELECT ' FORMAT x'") == ("SELECT ' FORMAT x'", None)


def test_options_are_sorted_from_the_interface_s_own_parameters() -> None:
    query = {
        "query": "SELECT 1",
        "database": "d",
        "param_x": "1",
        "session_id": "s",
        "wait_end_of_query": "1",
        "insert_deduplication_token": "it's",
    }
    options = options_of(query, {"x-clickhouse-format": "CSV", "x-clickhouse-database": "other"})
    assert (options.database, options.format) == ("d", "CSV")
    assert options.params == {"x": "1"}
    assert set_statement(options.settings) == r"SET insert_deduplication_token = 'it\'s'"
    with pytest.raises(ClickHouseError, match="is no setting"):
        options_of({"a; DROP": "1"}, {})


@pytest.mark.parametrize(
    ("asked", "seconds"), [("0", "300"), ("5", "5.0"), ("999", "300"), ("x", "300"), ("nan", "300")]
)
def test_a_reader_s_wish_is_kept_within_the_cap(asked: str, seconds: str) -> None:
    settings = reader_settings({"max_execution_time": asked, "final": "1"}, Limits())
    assert settings["max_execution_time"] == seconds
    assert settings["max_threads"] == "1"
    assert settings["final"] == "1"


def test_errors_keep_clickhouse_s_code_and_words() -> None:
    raised = RuntimeError(
        "Streaming insert finish failed: Code: 117. DB::Exception: Not this. (INCORRECT_DATA) "
        "(version 26.9.2.1)"
    )
    error = error_from_chdb(raised)
    assert (error.code, error.status) == (117, 400)
    rendered = render_error(error, "26.9")
    assert rendered == b"Code: 117. DB::Exception: Not this. (INCORRECT_DATA) (version 26.9)\n"
    assert error_from_chdb(RuntimeError("odd")).code == 1002
