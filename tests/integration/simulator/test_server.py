"""The server over plain HTTP: endpoints, crumbs, faults as a client meets them, budget, control."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from stockjobs.errors import InvalidInput
from stockjobs.simulator.client import SimulatorClient

pytestmark = pytest.mark.integration

CHART = "/v8/finance/chart/AAPL?range=5d&interval=1d"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


def get(yahoo: SimulatorClient, path: str, *, method: str = "GET", timeout: float = 10) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(yahoo.url).netloc, timeout=timeout)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def test_a_chart_is_served(yahoo: SimulatorClient) -> None:
    answer = get(yahoo, CHART)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json;charset=utf-8")
    assert "max-age=10" in answer.headers["cache-control"]
    assert answer.json()["chart"]["result"][0]["meta"]["symbol"] == "AAPL"


def test_endpoints_that_need_a_crumb_refuse_without_and_after_a_rotation(yahoo: SimulatorClient) -> None:
    path = "/v7/finance/quote?symbols=AAPL"
    refused = get(yahoo, path)
    assert (refused.status, refused.json()["finance"]["error"]["description"]) == (401, "Invalid Crumb")
    crumb = get(yahoo, "/v1/test/getcrumb").body.decode()
    assert get(yahoo, f"{path}&crumb={quote(crumb)}").status == 200
    yahoo.rotate_crumb()
    assert get(yahoo, f"{path}&crumb={quote(crumb)}").status == 401


def test_the_cookie_page_is_missing_but_leaves_a_cookie(yahoo: SimulatorClient) -> None:
    answer = get(yahoo, "/")
    assert answer.status == 404
    assert answer.headers["set-cookie"].startswith("A3=")
    assert "Expires=" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "path",
    [
        "/v8/finance/chart/%00",
        "/v8/finance/chart/..%2f..%2fetc%2fpasswd",
        "/v8/finance/chart/AAPL?period1=9999999999999999999999&period2=1",
        "/v8/finance/chart/AAPL?period1=999999999999999&period2=1",
        "/v8/finance/chart/AAPL?period1=-999999999999999&period2=999999999999999&interval=1mo",
        "/v8/finance/chart/AAPL?range=9999y&interval=1wk",
        "/v8/finance/chart/AAPL?range=9999wk",
        "/v8/finance/chart/AAPL?range=0d&interval=1m",
        "/v8/finance/chart/AAPL?period1=1&period2=2&interval=%ff%fe",
        "/v8/finance/chart/%E2%82%AC%F0%9F%92%A9",
        "/v8/finance/chart/" + "A" * 5_000,
        "/v8/finance/chart/AAPL?x=" + "y" * 100_000,
        "/v1/finance/search?q=%25&quotesCount=-1",
        "/ws/fundamentals-timeseries/v1/finance/timeseries/AAPL?type=" + ",".join(["annualNetIncome"] * 3_000),
        "/ws/fundamentals-timeseries/v1/finance/timeseries/AAPL?type=annualNetIncome&period1=x",
        "//",
        "/%2e%2e/",
        "/__control__",
    ],
)
def test_odd_requests_are_answered_and_never_crash_it(yahoo: SimulatorClient, path: str) -> None:
    assert get(yahoo, path).status in (200, 400, 404, 422)
    assert get(yahoo, CHART).status == 200


def test_a_head_has_no_body(yahoo: SimulatorClient) -> None:
    assert get(yahoo, CHART, method="HEAD").body == b""


@pytest.mark.parametrize("status", [401, 404, 422, 429, 500, 502, 503])
def test_a_status_on_demand_strikes_one_symbol_once(yahoo: SimulatorClient, status: int) -> None:
    yahoo.fault("status", status=status, symbol="AAPL", times=1)
    assert get(yahoo, CHART.replace("AAPL", "KO")).status == 200
    assert [get(yahoo, CHART).status, get(yahoo, CHART).status] == [status, 200]


def test_too_many_requests_say_how_long_to_wait(yahoo: SimulatorClient) -> None:
    yahoo.fault("status", status=429, retry_after=30)
    answer = get(yahoo, CHART)
    assert answer.headers["retry-after"] == "30"
    assert b"Too Many Requests" in answer.body


def test_a_redirect_leads_to_another_host(yahoo: SimulatorClient) -> None:
    yahoo.fault("redirect", location="https://elsewhere.invalid/x")
    answer = get(yahoo, CHART)
    assert (answer.status, answer.headers["location"]) == (302, "https://elsewhere.invalid/x")


def test_a_truncated_body_is_whole_to_http_and_no_json(yahoo: SimulatorClient) -> None:
    yahoo.fault("truncated")
    with pytest.raises(json.JSONDecodeError):
        get(yahoo, CHART).json()


def test_a_connection_breaks_before_the_answer(yahoo: SimulatorClient) -> None:
    yahoo.fault("drop_before", times=1)
    with pytest.raises(http.client.RemoteDisconnected):
        get(yahoo, CHART)
    assert get(yahoo, CHART).status == 200
    assert yahoo.counters()["by_status"] == {"0": 1, "200": 1}


def test_a_connection_breaks_in_the_middle_of_the_body(yahoo: SimulatorClient) -> None:
    yahoo.fault("drop_middle", times=1)
    with pytest.raises(http.client.IncompleteRead):
        get(yahoo, CHART)


def test_latency_delays_the_whole_answer(yahoo: SimulatorClient) -> None:
    yahoo.fault("latency", seconds=0.3)
    start = time.monotonic()
    get(yahoo, CHART)
    assert time.monotonic() - start >= 0.3


def test_a_drip_defeats_a_timeout_per_read(yahoo: SimulatorClient) -> None:
    yahoo.fault("drip", seconds=0.05, piece=400)
    start = time.monotonic()
    answer = get(yahoo, CHART, timeout=1)
    assert len(answer.json()["chart"]["result"]) == 1
    assert time.monotonic() - start > 0.05 * (len(answer.body) // 400)


def test_a_client_that_leaves_a_drip_harms_nobody(yahoo: SimulatorClient) -> None:
    yahoo.fault("drip", seconds=0.2, piece=1, times=1)
    connection = http.client.HTTPConnection(urlsplit(yahoo.url).netloc, timeout=5)
    connection.request("GET", CHART)
    connection.getresponse().read(1)
    connection.close()
    assert get(yahoo, CHART).status == 200


def test_a_budget_refuses_what_is_beyond_it_and_counts_everything(yahoo: SimulatorClient) -> None:
    yahoo.budget(per_window=10, window_seconds=60, retry_after=5)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: get(yahoo, CHART).status, range(25)))
    assert (statuses.count(200), statuses.count(429)) == (10, 15)
    counters = yahoo.counters()
    assert (counters["total"], counters["by_status"]) == (25, {"200": 10, "429": 15})
    assert counters["peak_per_second"] >= 10


def test_requests_on_one_connection_are_counted_as_one(yahoo: SimulatorClient) -> None:
    connection = http.client.HTTPConnection(urlsplit(yahoo.url).netloc, timeout=10)
    for _ in range(3):
        connection.request("GET", CHART)
        connection.getresponse().read()
    connection.close()
    counters = yahoo.counters()
    assert (counters["total"], counters["connections"]) == (3, 1)
    assert [request["symbol"] for request in yahoo.requests(endpoint="chart")] == ["AAPL"] * 3


def test_a_split_declared_now_rewrites_history(yahoo: SimulatorClient) -> None:
    yahoo.set_clock(datetime(2026, 3, 3, 23, tzinfo=UTC))
    path = CHART + "&events=splits"
    before = get(yahoo, path).json()["chart"]["result"][0]
    yahoo.split("AAPL", 4)
    after = get(yahoo, path).json()["chart"]["result"][0]
    old, new = (chart["indicators"]["quote"][0]["close"] for chart in (before, after))
    assert new == pytest.approx([price / 4 for price in old], rel=1e-6)
    assert [split["splitRatio"] for split in after["events"]["splits"].values()] == ["4:1"]


def test_a_restated_day_and_holes_are_served(yahoo: SimulatorClient) -> None:
    yahoo.set_clock(datetime(2026, 3, 3, 23, tzinfo=UTC))
    yahoo.restate("AAPL", day="2026-03-02", close=1.5)
    yahoo.holes("KO", every=2)
    assert get(yahoo, CHART).json()["chart"]["result"][0]["indicators"]["quote"][0]["close"][-2] == 1.5
    quote_of_ko = get(yahoo, CHART.replace("AAPL", "KO")).json()["chart"]["result"][0]["indicators"]["quote"][0]
    assert None in quote_of_ko["close"]


def test_a_control_request_that_makes_no_sense_is_refused_with_the_reason(yahoo: SimulatorClient) -> None:
    with pytest.raises(InvalidInput, match="kind"):
        yahoo.fault("nonsense")
    with pytest.raises(InvalidInput, match="not listed"):
        yahoo.split("NOPE", 2)
    with pytest.raises(InvalidInput, match="nothing is called"):
        yahoo.call("POST", "nonsense")


def test_a_reset_forgets_everything(yahoo: SimulatorClient) -> None:
    yahoo.fault("html")
    yahoo.set_clock(datetime(2020, 1, 1, tzinfo=UTC))
    yahoo.reset()
    overview = yahoo.call("GET", "")
    assert (overview["faults"], overview["counters"]["total"], overview["clock"]["ticking"]) == ([], 0, True)
