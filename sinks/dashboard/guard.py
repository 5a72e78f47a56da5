"""What every answer of the dashboard carries, and who is answered at all."""

from __future__ import annotations

from urllib.parse import urlsplit

from litestar.types import ASGIApp, Message, Receive, Scope, Send

# Everything comes from this server, nothing inline: a robot's words cannot become markup or script.
SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def guarded(app: ASGIApp, host: str) -> ASGIApp:
    """An application that answers only to its own names, with headers that forbid foreign script.

    A foreign page that resolves its own name to this address gets nothing. Where the dashboard
    listens on more than loopback, whoever put it there names it: any name is answered.

    Args:
        app: what is guarded.
        host: the address it listens on.
    """
    headers = [(name.encode(), value.encode()) for name, value in SECURITY.items()]

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        if host in LOOPBACK and _asked_name(scope) not in LOOPBACK:
            start = {"type": "http.response.start", "status": 400, "headers": headers}
            await send(start)  # type: ignore[arg-type]
            await send({"type": "http.response.body", "body": b"not my name", "more_body": False})
            return
        await app(scope, receive, send_with_headers)

    return guard


def _asked_name(scope: Scope) -> str | None:
    """The host a request names, without its port."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
