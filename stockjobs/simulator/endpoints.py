"""Which path is answered by what."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from stockjobs.simulator.chart import chart
from stockjobs.simulator.fundamentals import timeseries
from stockjobs.simulator.market import Market
from stockjobs.simulator.profiles import quote_summary
from stockjobs.simulator.quotes import options, quote, search
from stockjobs.simulator.replies import Query, Reply, html_reply
from stockjobs.simulator.session import consent_reply, cookie_reply, crumb_reply

Answer = Callable[[Query, Market], Reply]


@dataclass(frozen=True)
class Endpoint:
    """One of Yahoo's endpoints: its name in counters and faults, its path, and what answers it."""

    name: str
    pattern: re.Pattern[str]
    answer: Answer
    needs_crumb: bool = False


def _endpoint(name: str, pattern: str, answer: Answer, *, needs_crumb: bool = False) -> Endpoint:
    return Endpoint(name, re.compile(pattern), answer, needs_crumb)


_SYMBOL = r"(?P<symbol>[^/]+)"
ENDPOINTS = (
    _endpoint("chart", rf"/v[78]/finance/chart/{_SYMBOL}", chart),
    _endpoint("timeseries", rf"/ws/fundamentals-timeseries/v1/finance/timeseries/{_SYMBOL}", timeseries),
    _endpoint("quoteSummary", rf"/v1[01]/finance/quoteSummary/{_SYMBOL}", quote_summary, needs_crumb=True),
    _endpoint("quote", r"/v7/finance/quote", quote, needs_crumb=True),
    _endpoint("options", rf"/v7/finance/options/{_SYMBOL}", options, needs_crumb=True),
    _endpoint("search", r"/v1/finance/search", search),
    _endpoint("crumb", r"/v1/test/getcrumb", lambda _query, market: crumb_reply(market.crumbs)),
    _endpoint("consent", r"/(consent|copyConsent|v2/collectConsent)", lambda query, _market: consent_reply(query)),
    _endpoint("cookie", r"/", lambda query, _market: cookie_reply(query)),
)
OTHER = _endpoint(
    "other", r".*", lambda _query, _market: html_reply(404, "Not Found", "Sorry, the page you requested was not found.")
)


def route(path: str) -> tuple[Endpoint, str]:
    """The endpoint of a path, and the symbol in it, decoded; `OTHER` for a path that is none of Yahoo's."""
    for endpoint in ENDPOINTS:
        match = endpoint.pattern.fullmatch(path)
        if match:
            return endpoint, unquote(match.groupdict().get("symbol") or "")
    return OTHER, ""
