"""Forks, threads, cookies and crumbs, on a server that keeps count."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import RangeRefused, SymbolUnknown, Unauthorized
from stockjobs.providers.base import Provider
from stockjobs.providers.registry import open_provider
from stockjobs.simulator.client import SimulatorClient
from tests.integration.providers.asking import days, opened, patient
from tests.integration.providers.forking import SYMBOLS

pytestmark = pytest.mark.integration

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def through_proxy(yahoo: SimulatorClient, monkeypatch: pytest.MonkeyPatch) -> SimulatorClient:
    """The server, reached under Yahoo's own names."""
    for name, value in yahoo.environment.items():
        monkeypatch.setenv(name, value)
    return yahoo


@pytest.mark.parametrize("way", ["plain", "proxy"])
def test_children_of_a_process_that_has_connected_get_their_own_data(
    yahoo: SimulatorClient, way: str, request: pytest.FixtureRequest
) -> None:
    if way == "proxy":
        request.getfixturevalue("through_proxy")
    yahoo.set_clock(NOW)
    command = [sys.executable, "-m", "tests.integration.providers.forking", yahoo.url, str(yahoo.ca), way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert list(told["expected"]) == list(SYMBOLS)
    assert told["again"] == told["expected"]
    assert told["said"] == [told["expected"]] * 4
    assert told["codes"] == [0] * 4
    # One connection of each child, and that of the parent: nobody speaks on another's.
    counters = yahoo.counters()
    assert counters["connections"] >= 5
    assert (counters["tunnels"] > 0) == (way == "proxy")


def test_threads_share_a_provider(yahoo: SimulatorClient) -> None:
    yahoo.set_clock(NOW)
    with opened(yahoo.url) as provider, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda symbol: days(provider, symbol), SYMBOLS * 6))
    assert [reply.identity.symbol for reply in replies if reply.identity] == list(SYMBOLS * 6)


def test_charts_take_one_cookie_and_no_crumb(through_proxy: SimulatorClient) -> None:
    provider = open_provider("yahoo")
    for symbol in SYMBOLS:
        days(provider, symbol)
    provider.close()
    assert through_proxy.counters()["by_endpoint"] == {"cookie": 1, "chart": len(SYMBOLS)}


def test_charts_do_without_a_cookie_when_its_host_is_blocked(through_proxy: SimulatorClient) -> None:
    through_proxy.fault("drop_before", endpoint="cookie")
    provider = open_provider("yahoo")
    assert [len(days(provider, symbol).bars) > 0 for symbol in SYMBOLS] == [True] * len(SYMBOLS)
    provider.close()
    assert through_proxy.counters()["by_endpoint"]["cookie"] <= 2


def test_a_stale_crumb_is_renewed(yahoo: SimulatorClient) -> None:
    with opened(yahoo.url) as provider:
        first = provider.facts("AAPL", now=datetime.now(UTC), patience=patient())
        yahoo.rotate_crumb()
        assert provider.facts("AAPL", now=datetime.now(UTC), patience=patient()) == first
        yahoo.rotate_crumb()
        with pytest.raises(Unauthorized):
            provider.facts("AAPL", now=datetime.now(UTC), patience=patient())
    assert yahoo.counters()["by_endpoint"]["crumb"] == 2


PERIODS = ("annual", "quarterly", "trailing")


def test_a_refused_session_gets_another_cookie_too(through_proxy: SimulatorClient) -> None:
    provider = open_provider("yahoo")
    provider.facts("AAPL", now=datetime.now(UTC), patience=patient())
    through_proxy.rotate_crumb()
    provider.facts("AAPL", now=datetime.now(UTC), patience=patient())
    provider.close()
    counted = through_proxy.counters()["by_endpoint"]
    assert (counted["cookie"], counted["crumb"], counted["quoteSummary"]) == (2, 2, 3)


def test_facts_hold_years_quarters_and_twelve_months(yahoo: SimulatorClient) -> None:
    with opened(yahoo.url, max_body=2**24) as provider:
        reply = provider.facts("VOD.L", now=datetime.now(UTC), patience=patient())
    counts = {period: sum(f.metric == "NetIncome" and f.period == period for f in reply.facts) for period in PERIODS}
    assert counts == {"annual": 4, "quarterly": 5, "trailing": 1}
    assert {fact.currency for fact in reply.facts if fact.metric == "NetIncome"} == {"GBP"}
    assert reply.profile["longName"].startswith("Vodafone")
    assert reply.profile["sector"]


@pytest.mark.parametrize("symbol", ["EURUSD=X", "NOSUCH"])
def test_what_files_no_accounts_has_no_facts(yahoo: SimulatorClient, symbol: str) -> None:
    with opened(yahoo.url) as provider:
        assert provider.facts(symbol, now=datetime.now(UTC), patience=patient()).facts == ()


def test_an_unknown_symbol_and_a_window_too_long_are_told_apart(yahoo: SimulatorClient) -> None:
    with opened(yahoo.url) as provider:
        with pytest.raises(SymbolUnknown, match="No data found"):
            days(provider, "NOSUCH")
        refused = _minutes_of_two_weeks(provider)
    assert "1m" in refused


def _minutes_of_two_weeks(provider: Provider) -> str:
    now = datetime.now(UTC)
    with pytest.raises(RangeRefused) as caught:
        provider.bars(
            BarsRequest("AAPL", Interval.M1, now.replace(year=now.year - 1), now), now=now, patience=patient()
        )
    return str(caught.value)
