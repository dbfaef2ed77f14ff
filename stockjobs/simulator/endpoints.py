"""Which path is answered by what."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from stockjobs.simulator.chart import chart
from stockjobs.simulator.market import Market
from stockjobs.simulator.replies import Query, Reply, html_reply

Answer = Callable[[Query, Market], Reply]


@dataclass(frozen=True)
class Endpoint:
    """One of Yahoo's endpoints: its name in counters and faults, its path, and what answers it."""

    name: str
    pattern: re.Pattern[str]
    answer: Answer
    needs_crumb: bool = False


def _nothing(query: Query, market: Market) -> Reply:
    return html_reply(404, "Not Found", "Sorry, the page you requested was not found.")


ENDPOINTS = (Endpoint("chart", re.compile(r"/v[78]/finance/chart/(?P<symbol>[^/]+)"), chart),)
OTHER = Endpoint("other", re.compile(r".*"), _nothing)


def route(path: str) -> tuple[Endpoint, str]:
    """The endpoint of a path, and the symbol in it, decoded; `OTHER` for a path that is none of Yahoo's."""
    for endpoint in ENDPOINTS:
        match = endpoint.pattern.fullmatch(path)
        if match:
            return endpoint, unquote(match.groupdict().get("symbol") or "")
    return OTHER, ""
