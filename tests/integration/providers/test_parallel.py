"""A batch fetched for several symbols at once, over HTTP: the same requests as one after the other, on connections that stay."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest

from stockjobs.errors import Interrupted, RateLimited, SymbolUnknown
from stockjobs.providers.base import Patience
from stockjobs.providers.registry import open_provider
from stockjobs.providers.yahoo.options import Engine
from stockjobs.services.collecting.asking import Asks
from stockjobs.services.collecting.fetching import Fetched, fetch
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.redis import eventually
from tests.integration.providers.asking import opened, patient
from tests.integration.providers.forking_batches import SEVERAL, SYMBOLS, asks, closes

pytestmark = pytest.mark.integration


@pytest.fixture
def market(yahoo: SimulatorClient) -> SimulatorClient:
    """The server in June 2026."""
    yahoo.set_clock(datetime(2026, 6, 10, 12, tzinfo=UTC))
    return yahoo


@pytest.mark.parametrize("engine", ["chart", "history"])
def test_several_at_once_ask_and_bring_the_same(market: SimulatorClient, engine: Engine) -> None:
    with opened(market.url, engine=engine) as provider:
        in_turn = closes(fetch(asks(*SYMBOLS), provider, patient()))
        asked = market.counters()["by_symbol"]
        market.reset_counters()
        at_once = fetch(asks(*SYMBOLS), provider, patient(), SEVERAL)
    assert list(closes(at_once).items()) == list(in_turn.items())
    assert (market.counters()["by_symbol"], at_once.requests) == (asked, len(SYMBOLS))


def test_threads_of_a_first_batch_get_one_cookie_together(
    market: SimulatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in market.environment.items():
        monkeypatch.setenv(name, value)
    provider = open_provider("yahoo")
    fetched = fetch(asks(*SYMBOLS), provider, patient(), SEVERAL)
    provider.close()
    assert fetched.errors == {}
    assert market.counters()["by_endpoint"] == {"cookie": 1, "chart": len(SYMBOLS)}


def test_a_stale_crumb_is_renewed_once_for_all_that_it_fails(yahoo: SimulatorClient) -> None:
    companies = ("AAPL", "MSFT", "JPM", "KO")
    now = datetime.now(UTC)
    with opened(yahoo.url, max_body=2**24) as provider:
        assert (
            fetch(Asks(now, facts={symbol: symbol for symbol in companies}), provider, patient(), len(companies)).errors
            == {}
        )
        yahoo.rotate_crumb()
        fetched = fetch(Asks(now, facts={symbol: symbol for symbol in companies}), provider, patient(), len(companies))
    assert (list(fetched.facts), fetched.errors) == (list(companies), {})
    assert yahoo.counters()["by_endpoint"]["crumb"] == 2


def test_connections_outlive_the_threads_of_a_batch(market: SimulatorClient) -> None:
    with opened(market.url) as provider:
        for _ in range(3):
            fetch(asks(*SYMBOLS), provider, patient(), SEVERAL)
        # A connection of the test's own counts too.
        assert market.counters()["connections"] <= SEVERAL + 1
        before = threading.active_count(), _open_files()
        fetch(asks(*SYMBOLS), provider, patient(), SEVERAL)
        assert (threading.active_count(), _open_files()) == before


def test_an_unknown_symbol_fails_alone(market: SimulatorClient) -> None:
    with opened(market.url) as provider:
        fetched = fetch(asks("SIM0001", "NOSUCH", "SIM0002"), provider, patient(), SEVERAL)
    assert list(fetched.bars) == ["SIM0001", "SIM0002"]
    assert [type(error) for error in fetched.errors.values()] == [SymbolUnknown]


def test_after_a_limit_nobody_asks_any_more(market: SimulatorClient) -> None:
    market.fault("status", status=429, after=3)
    with opened(market.url) as provider:
        fetched = fetch(asks(*SYMBOLS), provider, patient(), 4)
    assert len(fetched.bars) == 3
    assert {type(error) for error in fetched.errors.values()} == {RateLimited}
    assert len(fetched.errors) <= 4
    assert fetched.requests == market.counters()["by_endpoint"]["chart"] == 3 + len(fetched.errors)
    assert len(fetched.unasked) == len(SYMBOLS) - fetched.requests


def test_a_batch_is_cancelled_while_all_of_it_waits(market: SimulatorClient) -> None:
    market.fault("latency", seconds=60.0)
    stop, ended = threading.Event(), list[Fetched]()
    with opened(market.url, timeout=60) as provider:

        def run() -> None:
            ended.append(fetch(asks(*SYMBOLS), provider, Patience(time.monotonic() + 60, stop.is_set), SEVERAL))

        thread = threading.Thread(target=run)
        thread.start()
        eventually(lambda: market.counters()["by_endpoint"].get("chart", 0) == SEVERAL)
        stop.set()
        at = time.monotonic()
        thread.join(20)
        assert time.monotonic() - at < 3
    [fetched] = ended
    assert {type(error) for error in fetched.errors.values()} == {Interrupted}
    assert (len(fetched.errors), len(fetched.unasked)) == (SEVERAL, len(SYMBOLS) - SEVERAL)


def test_children_forked_between_two_batches_get_their_own_data(market: SimulatorClient) -> None:
    command = [sys.executable, "-m", "tests.integration.providers.forking_batches", market.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout) == (0, "same"), done.stderr


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
