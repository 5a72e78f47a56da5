"""ClickHouse's errors: what chdb raises, as code and message, and as an HTTP status."""

from __future__ import annotations

import re
from http import HTTPStatus

BAD_ARGUMENTS = 36
NOT_IMPLEMENTED = 48
TOO_MANY_SIMULTANEOUS_QUERIES = 202
NOT_ENOUGH_SPACE = 243
UNKNOWN_EXCEPTION = 1002
CANNOT_DECOMPRESS = 271

_CODE = re.compile(r"Code: (\d+)\. (?:DB::Exception|Poco::Exception): ", re.S)
_VERSION_SUFFIX = re.compile(r"\s*\(version [^()]*\)\s*$")

_STATUS = {
    **dict.fromkeys((27, 36, 38, 43, 53, 62, 69, 70, 117, 130), HTTPStatus.BAD_REQUEST),
    **dict.fromkeys((46, 47, 60, 81), HTTPStatus.NOT_FOUND),
    159: HTTPStatus.REQUEST_TIMEOUT,
    NOT_IMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
}


class ClickHouseError(Exception):
    """A refused statement, as a ClickHouse server would word it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status a server answers with."""
        return _STATUS.get(self.code, HTTPStatus.INTERNAL_SERVER_ERROR)


def error_from_chdb(error: Exception) -> ClickHouseError:
    """The error inside what chdb raised, without chdb's own words before and after it."""
    text = _VERSION_SUFFIX.sub("", str(error).strip())
    match = _CODE.search(text)
    if match is None:
        return ClickHouseError(UNKNOWN_EXCEPTION, f"{text}. (UNKNOWN_EXCEPTION)")
    return ClickHouseError(int(match.group(1)), text[match.end() :])


def render_error(error: ClickHouseError, version: str) -> bytes:
    """The body of an error response."""
    return f"Code: {error.code}. DB::Exception: {error} (version {version})\n".encode()
