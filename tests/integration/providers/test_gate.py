"""Every request that leaves for Yahoo passes the gate: what the server counts is what the gate has seen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import HeldBack, Interrupted, ProviderDown, ProviderError, RateLimited, SymbolUnknown
from stockjobs.providers.base import Patience, Provider
from stockjobs.providers.registry import open_provider
from stockjobs.providers.yahoo.options import YahooOptions
from stockjobs.simulator.client import SimulatorClient

pytestmark = pytest.mark.integration


class Turnstile:
    """A gate that lets all through, or nobody, and notes what came of each request."""

    def __init__(self, *, is_shut: bool = False) -> None:
        self.is_shut = is_shut
        self.entered = 0
        self.left: list[type[ProviderError] | None] = []

    def enter(self, patience: Patience) -> None:
        if self.is_shut:
            raise HeldBack("shut", retry_after=timedelta(seconds=1))
        self.entered += 1

    def leave(self, error: ProviderError | None) -> None:
        self.left.append(type(error) if error else None)

    def close(self) -> None:
        """Everything has been told."""


@pytest.fixture
def provider(yahoo: SimulatorClient) -> Iterator[Provider]:
    found = open_provider("yahoo", YahooOptions(base_url=yahoo.url, timeout=timedelta(seconds=3)))
    yield found
    found.close()


def ask(provider: Provider, gate: Turnstile, symbol: str = "AAPL", seconds: float = 20) -> None:
    now = datetime.now(UTC)
    patience = Patience(time.monotonic() + seconds, gate=gate)
    provider.bars(BarsRequest(symbol, Interval.D1, now - timedelta(days=30), now), now=now, patience=patience)


def test_the_statements_of_a_company_pass_one_by_one_the_crumb_included(
    provider: Provider, yahoo: SimulatorClient
) -> None:
    gate = Turnstile()
    provider.facts("AAPL", now=datetime.now(UTC), patience=Patience(time.monotonic() + 30, gate=gate))
    assert gate.entered == len(gate.left) == yahoo.counters()["total"] >= 8
    assert "crumb" in " ".join(yahoo.counters()["by_endpoint"])


def test_what_is_asked_again_after_a_renewal_passes_too(provider: Provider, yahoo: SimulatorClient) -> None:
    yahoo.fault("status", status=401, body="json", times=1, endpoint="chart")
    gate = Turnstile()
    ask(provider, gate)
    assert gate.entered == len(gate.left) == yahoo.counters()["total"] >= 3


def test_each_hop_of_a_redirect_passes(provider: Provider, yahoo: SimulatorClient) -> None:
    now = int(time.time())
    path = f"/v8/finance/chart/AAPL?period1={now - 30 * 86_400}&period2={now}&interval=1d"
    yahoo.fault("redirect", location=f"https://query1.finance.yahoo.com{path}", times=1)
    gate = Turnstile()
    ask(provider, gate)
    assert gate.left == [None, None]
    assert yahoo.counters()["total"] == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 429}, RateLimited),
        ({"kind": "status", "status": 503}, ProviderDown),
        ({"kind": "html"}, ProviderDown),
        ({"kind": "truncated"}, ProviderDown),
        ({"kind": "drop_before"}, ProviderDown),
        ({"kind": "status", "status": 404, "body": "json"}, SymbolUnknown),
    ],
)
def test_the_gate_is_told_what_came_of_it(
    provider: Provider, yahoo: SimulatorClient, fault: dict[str, object], error: type[ProviderError]
) -> None:
    yahoo.fault(**fault)  # type: ignore[arg-type]
    gate = Turnstile()
    with pytest.raises(error):
        ask(provider, gate)
    assert gate.left == [error]


def test_a_request_that_was_broken_off_says_nothing_about_yahoo(provider: Provider, yahoo: SimulatorClient) -> None:
    yahoo.fault("latency", seconds=5.0)
    gate = Turnstile()
    with pytest.raises(Interrupted):
        ask(provider, gate, seconds=0.5)
    assert gate.left == [Interrupted]


def test_a_cookie_says_nothing_about_data_unless_it_is_limited() -> None:
    gate = Turnstile()
    patience = Patience(time.monotonic() + 5, gate=gate)
    for error in (None, ProviderDown("blocked"), RateLimited("429")):
        with suppress(ProviderError), patience.request(is_about_data=False):
            if error:
                raise error
    assert gate.left == [Interrupted, Interrupted, RateLimited]


def test_who_is_held_back_asks_nothing(provider: Provider, yahoo: SimulatorClient) -> None:
    with pytest.raises(HeldBack):
        ask(provider, Turnstile(is_shut=True))
    assert yahoo.counters()["total"] == 0
