"""yfinance's HTTP session, made strict: one call a request, typed errors, bounded time and size, no foreign hosts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from curl_cffi import Curl, CurlError
from curl_cffi.const import CurlInfo
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import HTTPError, IncompleteRead, RequestException, Timeout, code2error

from stockjobs.errors import Interrupted, MalformedReply, ProviderDown
from stockjobs.providers.base import Patience
from stockjobs.providers.yahoo.handle import StoppableHandle
from stockjobs.providers.yahoo.options import YahooOptions
from stockjobs.providers.yahoo.replies import refusal

_DOMAIN = "yahoo.com"
# Of the others (cookie, consent) yfinance wants to see every answer: the cookie comes with a 404.
_JUDGED = ("query1.finance.yahoo.com", "query2.finance.yahoo.com")
_PLACES = tuple(f"https://{host}/" for host in _JUDGED)
_MAX_HOPS = 5
_LIMITED = 429
_GOOD = 200
_PLAIN = {"timeout", "quote"}
"""What is said of a request that differs from others by its address alone."""

_SHORTEST = 0.001
# A call that was given all the time that was left ends a moment before the deadline, by rounding.
_SLACK = 0.05


class YahooSession(Session[Response]):
    """A session that yfinance accepts as its own.

    Every answer that is not good is raised as a `stockjobs.errors.ProviderError`, so that yfinance cannot take it for a
    reason to try again with another cookie, nor keep it in a cache.
    """

    def __init__(self, options: YahooOptions) -> None:
        # The browser's TLS fingerprint is what yfinance itself asks for: Yahoo turns others away.
        super().__init__(impersonate="chrome", allow_redirects=False)
        self._options = options
        self._base = urlsplit(options.base_url.rstrip("/")) if options.base_url else None
        base = self._base
        self._root = f"{base.scheme}://{base.netloc}{base.path}" if base else None
        self._calls = threading.local()
        # The one that was used last comes first: its connection is the likeliest to be open still.
        self._idle: deque[StoppableHandle] = deque()

    @contextmanager
    def within(self, patience: Patience) -> Iterator[None]:
        """Bound every call that this thread makes inside the block, yfinance's own for cookie and crumb included.

        The thread has a handle for itself meanwhile; its connections stay open for whoever comes next, on any thread.
        """
        self._calls.patience = patience
        self._calls.handle = handle = self._free_handle()
        try:
            yield
        finally:
            self._calls.patience = self._calls.handle = None
            self._idle.append(handle)

    def close(self) -> None:
        """Give all connections back."""
        super().close()
        while self._idle:
            self._idle.pop().close()

    @property
    def curl(self) -> StoppableHandle:
        """This thread's handle."""
        found: StoppableHandle | None = getattr(self._calls, "handle", None)
        if found is None:
            found = self._calls.handle = StoppableHandle()
        return found

    def _free_handle(self) -> StoppableHandle:
        try:
            return self._idle.pop()
        except IndexError:
            return StoppableHandle()

    def request(self, method: Any, url: str, **kwargs: Any) -> Response:  # type: ignore[override]  # passed on whole
        """Send one request, following redirects inside Yahoo's domain. Raises a `stockjobs.errors.ProviderError`."""
        kwargs.pop("allow_redirects", None)
        # Most are, and to take an address apart takes longer than to look how it begins.
        self._calls.is_judged = is_judged = url.startswith(_PLACES) or urlsplit(url).hostname in _JUDGED
        patience: Patience | None = getattr(self._calls, "patience", None)
        for _ in range(_MAX_HOPS):
            with patience.request(is_about_data=is_judged) if patience else nullcontext():
                reply = self._send(method, url, **kwargs)
                target = _target(reply)
                if target is None:
                    _check(reply, is_judged=is_judged)
                    return reply
            method, url, kwargs = "GET", target, {"timeout": kwargs.get("timeout")}
        raise ProviderDown("Yahoo redirects in a circle.", status=reply.status_code)

    def _send(self, method: Any, url: str, **kwargs: Any) -> Response:
        patience = getattr(self._calls, "patience", None)
        body = _Body(self._options.max_body)
        kwargs["timeout"] = self._seconds(kwargs.get("timeout"), patience)
        target, handle = self._routed(url), self.curl
        handle.look = patience.remaining if patience else None
        self._calls.kind = kind = self._kind(method, target, kwargs)
        try:
            if kind is not None and handle.set_for == kind:
                reply = self._repeated(handle, target, kwargs["timeout"], body)
            else:
                handle.forget()
                reply = super().request(method, target, content_callback=body.write, **kwargs)
        except RequestException as error:
            handle.forget()
            raise _translated(error, urlsplit(target).netloc, patience) from error
        reply.content = body.content()
        reply.url = url
        return reply

    def _kind(self, method: str, target: str, kwargs: Mapping[str, object]) -> object:
        """What tells requests apart besides their address; None for one that is like no other.

        To set the options of a request takes longer than to transfer a small chart.
        """
        if method != "GET" or not self._calls.is_judged or kwargs.keys() != _PLAIN or kwargs["quote"] is not False:
            return None
        cookies = tuple((one.domain, one.path, one.name, one.value, one.expires) for one in self._cookies.jar)
        return target.split("/", 3)[:3], cookies

    def _repeated(self, handle: StoppableHandle, target: str, seconds: float, body: _Body) -> Response:
        """Send a request by the options of the one before it."""
        handle.set_for = None
        try:
            handle.readdress(target, seconds, body.write)
            handle.perform()
            return self._parse_response(handle, BytesIO(), BytesIO(), "utf-8", discard_cookies=False)
        except CurlError as error:
            code: Any = error.code
            raise code2error(code, str(error))(str(error), code) from error
        finally:
            handle.reset()

    def _parse_response(
        self, curl: Curl, buffer: BytesIO, header_buffer: BytesIO, default_encoding: Any, discard_cookies: bool
    ) -> Response:
        """What curl_cffi makes of an answer; of a good one of those hosts no more than the status, and the new cookies.

        To read all headers and to ask for addresses takes as long as the transfer of a small chart.
        """
        if not self._calls.is_judged:
            return super()._parse_response(curl, buffer, header_buffer, default_encoding, discard_cookies)
        wait: Any = curl.getinfo(CurlInfo.RETRY_AFTER)
        if wait or curl.getinfo(CurlInfo.RESPONSE_CODE) != _GOOD:
            reply = super()._parse_response(curl, buffer, header_buffer, default_encoding, discard_cookies)
            if wait and not header_buffer.tell():
                # curl tells of no longer one than six hours: nobody is left alone for as long.
                reply.headers["retry-after"] = str(wait)
            return reply
        reply = Response(curl)
        reply.status_code, reply.default_encoding = _GOOD, default_encoding
        self.curl.set_for = self._calls.kind
        changes: Any = curl.getinfo(CurlInfo.COOKIECHANGES)
        if changes:
            self._cookies.update_cookies_from_curl_changes(changes)
        return reply

    def _seconds(self, asked: object, patience: Patience | None) -> float:
        most = self._options.timeout.total_seconds()
        wanted = min(most, asked) if isinstance(asked, int | float) else most
        # curl counts in whole milliseconds, and takes 0 for no limit at all.
        return wanted if patience is None else max(min(wanted, patience.remaining()), _SHORTEST)

    def _routed(self, url: str) -> str:
        place = next((one for one in _PLACES if url.startswith(one)), None)
        if place is not None and "#" not in url:
            return url if self._root is None else f"{self._root}{url[len(place) - 1 :]}"
        parts = urlsplit(url)
        if self._base is not None and (parts.scheme, parts.netloc) == (self._base.scheme, self._base.netloc):
            return url
        host = parts.hostname or ""
        if parts.scheme != "https" or not (host == _DOMAIN or host.endswith(f".{_DOMAIN}")):
            raise ProviderDown(f"Yahoo sends us on to another host, {host!r}; that is refused.")
        if self._base is None:
            return url
        path = f"{self._base.path}{parts.path or '/'}"
        return urlunsplit((self._base.scheme, self._base.netloc, path, parts.query, ""))


def _target(reply: Response) -> str | None:
    """Where a redirect leads."""
    is_redirect = 300 <= reply.status_code < 400
    return (reply.redirect_url or None) if is_redirect else None


def _check(reply: Response, *, is_judged: bool) -> None:
    if is_judged or reply.status_code == _LIMITED:
        error = refusal(reply.status_code, reply.headers, reply.content, datetime.now(UTC))
        if error is not None:
            raise error


class _Body:
    """Collects an answer piece by piece, and stops it when it grows too large."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = BytesIO()

    def write(self, piece: bytes) -> int:
        if self._buffer.tell() + len(piece) > self._limit:
            raise MalformedReply(f"Yahoo's answer is larger than {self._limit} bytes.")
        return self._buffer.write(piece)

    def content(self) -> bytes:
        return self._buffer.getvalue()


def _translated(
    error: RequestException, host: str, patience: Patience | None
) -> ProviderDown | MalformedReply | Interrupted:
    if isinstance(error, Timeout):
        if patience is not None and patience.deadline - time.monotonic() < _SLACK:
            return Interrupted("The download has used up its time.")
        return ProviderDown(f"{host} did not answer in time.")
    said = str(error).split(". See https://", 1)[0]
    if isinstance(error, IncompleteRead) or not isinstance(error, HTTPError):
        return ProviderDown(f"{host} cannot be reached, or hung up: {said}")
    return MalformedReply(f"The answer of {host} breaks the rules of HTTP: {said}")
