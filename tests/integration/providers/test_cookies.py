"""Cookies: what it costs when none can be had."""

from __future__ import annotations

import time

import pytest

from stockjobs.errors import MalformedReply, ProviderDown, ProviderError
from stockjobs.providers.base import Patience
from stockjobs.providers.yahoo.connection import Connection
from stockjobs.providers.yahoo.options import YahooOptions
from stockjobs.providers.yahoo.session import YahooSession

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("error", [ProviderDown("blocked"), MalformedReply("it breaks the rules of HTTP")])
def test_a_cookie_that_cannot_be_had_costs_no_attempt_at_a_chart(
    monkeypatch: pytest.MonkeyPatch, error: ProviderError
) -> None:
    hosts = []

    def send(session: YahooSession, method: str, url: str, **_: object) -> object:
        hosts.append(url.split("/")[2])
        if not hosts[-1].startswith("query"):
            raise error
        return type("Reply", (), {"content": b"{}"})()

    monkeypatch.setattr(YahooSession, "request", send)
    connection = Connection(YahooOptions())
    assert connection.get("/v8/finance/chart/A", {}, Patience(time.monotonic() + 20)) == b"{}"
    assert hosts == ["fc.yahoo.com", "query2.finance.yahoo.com"]
    connection.close()
