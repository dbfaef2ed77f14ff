"""The proxy: a CONNECT for a host of Yahoo's ends here, under a certificate of our own; any other host is refused."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError

from stockjobs.simulator.authority import Authority

_OURS = re.compile(r"((?:[a-z0-9-]+\.)*yahoo\.com):443", re.IGNORECASE)
_WELCOME = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Front(HTTPServerConnectionDelegate):
    """Stands before the web application: opens tunnels, and passes everything else on.

    `server` takes the streams that come out of tunnels; `opened` is told of each tunnel.
    """

    inner: HTTPServerConnectionDelegate
    authority: Authority
    opened: Callable[[], None]
    server: HTTPServer | None = None

    def __post_init__(self) -> None:
        self._tunnels: set[asyncio.Task[None]] = set()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Called by Tornado for each request of a connection."""
        return _Opening(self, server_conn, request_conn)

    def tunnel(self, connection: HTTP1Connection, target: str) -> None:
        """Take the connection over and speak TLS on it from now on."""
        address = getattr(connection.context, "address", ("", 0))
        task = asyncio.ensure_future(self._tunnel(connection.detach(), address, target))
        self._tunnels.add(task)
        task.add_done_callback(self._tunnels.discard)

    async def _tunnel(self, stream: IOStream, address: tuple[str, int], target: str) -> None:
        match = _OURS.fullmatch(target)
        try:
            if match is None or self.server is None:
                await stream.write(_REFUSAL)
                stream.close()
                return
            await stream.write(_WELCOME)
            secure = await stream.start_tls(True, self.authority.context_for(match[1].lower()))
        except (StreamClosedError, ssl.SSLError, OSError, ValueError):
            stream.close()  # the client went away, does not trust us, or sent something before it was answered
            return
        self.opened()
        self.server.handle_stream(secure, address)


class _Opening(HTTPMessageDelegate):
    """Waits for the first line of a request, then is a tunnel or steps aside."""

    def __init__(self, front: Front, server_conn: object, request_conn: HTTPConnection) -> None:
        self._front, self._server_conn, self._request_conn = front, server_conn, request_conn
        self._inner: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        if start_line.method == "CONNECT" and isinstance(self._request_conn, HTTP1Connection):
            self._front.tunnel(self._request_conn, start_line.path)
            return None
        self._inner = self._front.inner.start_request(self._server_conn, self._request_conn)
        return self._inner.headers_received(_relative(start_line), headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._inner.data_received(chunk) if self._inner else None

    def finish(self) -> None:
        if self._inner:
            self._inner.finish()

    def on_connection_close(self) -> None:
        if self._inner:
            self._inner.on_connection_close()


def _relative(line: RequestStartLine) -> RequestStartLine:
    """The path alone, where a client of a plain proxy wrote the whole URL."""
    match = re.fullmatch(r"http://[^/?#]+(.*)", line.path, re.IGNORECASE)
    return RequestStartLine(line.method, match[1] or "/", line.version) if match else line
