"""A market whose clock stands still, asked without a network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from stockjobs.simulator.chart import chart
from stockjobs.simulator.market import Market
from stockjobs.simulator.replies import Query

Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def market() -> Market:
    """A market on the evening of Tuesday, 3 March 2026, after New York's close."""
    made = Market()
    made.clock.set(datetime(2026, 3, 3, 23, 0, tzinfo=UTC).timestamp())
    return made


@pytest.fixture
def ask(market: Market) -> Ask:
    """Ask for a chart; gives the status, and the chart or the error."""

    def asking(symbol: str, **arguments: object) -> tuple[int, dict[str, Any]]:
        reply = chart(Query("", {name: str(value) for name, value in arguments.items()}, symbol), market)
        document = orjson.loads(reply.body)["chart"]
        return reply.status, document["result"][0] if document["result"] else document["error"]

    return asking
