"""One process's connection to Yahoo: opened at the first call, and anew in each process that is forked later."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

import yfinance.cache
from yfinance.data import YfData
from yfinance.exceptions import YFException

from stockjobs.errors import MalformedReply, ProviderDown, ProviderError, Unauthorized
from stockjobs.providers.base import Patience
from stockjobs.providers.yahoo.options import YahooOptions
from stockjobs.providers.yahoo.session import YahooSession

_HOST = "https://query2.finance.yahoo.com"
_CRUMB = re.compile(r"[^\s<>{}]{1,64}")
_RENEWAL_PAUSE = 300.0
_COOKIE_TIMEOUT = 5.0
_LOOK_EVERY = 0.2


class Connection:
    """Asks Yahoo, with the cookie and crumb that yfinance gets for us.

    A connection may be made before a fork. Each process opens its own line; that of the parent is kept as it is and
    never closed, because closing it would speak on a socket that the parent still uses.
    """

    def __init__(self, options: YahooOptions) -> None:
        self._options = options
        self._lines: dict[int, _Line] = {}

    def get(
        self, path: str, params: Mapping[str, str | int], patience: Patience, *, needs_crumb: bool = False
    ) -> bytes:
        """The body of a good answer. Raises a `stockjobs.errors.ProviderError`.

        A failed request is one HTTP call; only a refused session is renewed, at most once in five minutes, and the
        request repeated with the new one.
        """
        line = self._line()
        with line.session.within(patience):
            line.prepare(patience, needs_crumb=needs_crumb)
            renewals = line.renewals
            try:
                return line.fetch(path, params)
            except Unauthorized:
                if not line.renewed(renewals, patience):
                    raise
                return line.fetch(path, params)

    def close(self) -> None:
        """Close this process's line; the next call opens another."""
        line = self._lines.pop(os.getpid(), None)
        if line is not None:
            line.session.close()

    def _line(self) -> _Line:
        pid = os.getpid()
        line = self._lines.get(pid)
        # setdefault, because two threads may come here at once, and a lock could be inherited locked by a fork.
        return line if line is not None else self._lines.setdefault(pid, _Line(self._options))


class _Line:
    """A session with its cookie and crumb."""

    def __init__(self, options: YahooOptions) -> None:
        keep_caches_in_memory()
        self.session = YahooSession(options)
        # Made by type's own call, not through yfinance's singleton: that one is everybody's, and its session is
        # replaced by any download() in this process.
        self._data: Any = type.__call__(YfData, session=self.session)
        self._timeout = options.timeout.total_seconds()
        self._lock = threading.Lock()
        self._renewed_at = -_RENEWAL_PAUSE
        self.renewals = 0
        # The cookie of yahoo.com would never be sent to another host, so there none is asked for.
        self._no_cookie = None if options.base_url is None else True
        self._data._cookie = self._no_cookie

    def prepare(self, patience: Patience, *, needs_crumb: bool) -> None:
        """Get the cookie once, and the crumb where Yahoo insists on it: charts do without."""
        if self._is_prepared(needs_crumb):
            return
        with self._turn(patience):
            self._prepare(needs_crumb)

    def fetch(self, path: str, params: Mapping[str, str | int]) -> bytes:
        """One HTTP call."""
        crumb = self._data._crumb
        known = {"crumb": crumb} if crumb is not None else {}
        # Quoted here and left alone by curl_cffi, whose own quoting takes longer than reading a small chart.
        url = f"{_HOST}{path}?{'&'.join(f'{name}={_argument(one)}' for name, one in {**params, **known}.items())}"
        return self.session.get(url, timeout=self._timeout, quote=False).content

    def renewed(self, seen: int, patience: Patience) -> bool:
        """True when cookie and crumb are others than at `seen` renewals: some thread has got others, or this one does.

        False for some minutes after a renewal: if that did not help, the next will not either.
        """
        with self._turn(patience):
            if self.renewals != seen:
                return True
            if time.monotonic() - self._renewed_at < _RENEWAL_PAUSE:
                return False
            self._renew()
            return True

    @contextmanager
    def _turn(self, patience: Patience) -> Iterator[None]:
        """One thread at a time gets cookies; the others wait for what it gets, no longer than they may."""
        while not self._lock.acquire(timeout=_LOOK_EVERY):
            patience.remaining()
        try:
            yield
        finally:
            self._lock.release()

    def _renew(self) -> None:
        self._renewed_at = time.monotonic()
        self.renewals += 1
        self._data._crumb = None
        self.session.cookies.clear()
        self._data._cookie = self._no_cookie
        self._prepare(needs_crumb=True)

    def _is_prepared(self, needs_crumb: bool) -> bool:
        return self._data._cookie is not None and (self._data._crumb is not None or not needs_crumb)

    def _prepare(self, needs_crumb: bool) -> None:
        if self._data._cookie is None:
            self._get_cookie()
        if needs_crumb and self._data._crumb is None:
            self._get_crumb()

    def _get_cookie(self) -> None:
        try:
            with self._data._cookie_lock:
                self._data._get_cookie_basic(min(self._timeout, _COOKIE_TIMEOUT))
        except (ProviderDown, MalformedReply):
            # Its host stands on many block lists, and charts are served without a cookie.
            pass
        # yfinance asks again before each request unless a cookie, or anything in its place, is kept.
        self._data._cookie = self._data._cookie or True

    def _get_crumb(self) -> None:
        crumb = None
        try:
            crumb, _ = self._data._get_cookie_and_crumb(self._timeout)
        except ProviderError:
            raise
        except (YFException, KeyError, TypeError, AttributeError) as error:
            raise Unauthorized("Yahoo's page of consent cannot be read, so there is no crumb.") from error
        finally:
            # yfinance keeps whatever text came as the crumb, that of an error included.
            if crumb is None or not _CRUMB.fullmatch(crumb):
                self._data._crumb = None
        if self._data._crumb is None:
            raise Unauthorized("Yahoo gave no usable crumb.")


def keep_caches_in_memory() -> None:
    """Keep yfinance's caches of zones, cookies and ISINs off the disk, where processes would fight for their files."""
    yfinance.cache._TzCacheManager._tz_cache = yfinance.cache._TzCacheDummy()
    yfinance.cache._CookieCacheManager._Cookie_cache = yfinance.cache._CookieCacheDummy()
    yfinance.cache._ISINCacheManager._isin_cache = yfinance.cache._ISINCacheDummy()


def _argument(value: str | int) -> str:
    return str(value) if isinstance(value, int) else _quoted_argument(value)


@lru_cache(maxsize=64)
def _quoted_argument(text: str) -> str:
    return quote_plus(text, safe=",")


def quoted(symbol: str) -> str:
    """The symbol as one segment of a URL's path."""
    return quote(symbol, safe="")
