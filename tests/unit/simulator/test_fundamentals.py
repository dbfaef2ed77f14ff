"""Statements, share counts, profiles, quotes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from stockjobs.simulator.endpoints import OTHER, route
from stockjobs.simulator.market import Market
from stockjobs.simulator.replies import Query


def asked(market: Market, path: str, **arguments: str) -> tuple[int, dict[str, Any]]:
    endpoint, symbol = route(path)
    reply = endpoint.answer(Query(path, arguments, symbol), market)
    return reply.status, orjson.loads(reply.body)


def rows(market: Market, symbol: str, *types: str) -> dict[str, list[dict[str, Any]]]:
    path = f"/ws/fundamentals-timeseries/v1/finance/timeseries/{symbol}"
    _, document = asked(market, path, type=",".join(types), period1="0", period2="9999999999")
    return {row["meta"]["type"][0]: row.get(row["meta"]["type"][0], []) for row in document["timeseries"]["result"]}


def raw(facts: list[dict[str, Any]]) -> list[float]:
    return [fact["reportedValue"]["raw"] for fact in facts]


def test_yahoo_serves_four_years_and_five_quarters(market: Market) -> None:
    found = rows(market, "AAPL", "annualTotalRevenue", "quarterlyTotalRevenue", "trailingTotalRevenue")
    assert [len(facts) for facts in found.values()] == [4, 5, 1]
    assert found["quarterlyTotalRevenue"][-1]["asOfDate"] == "2025-12-31"
    assert found["annualTotalRevenue"][-1] | {"dataId": 0} == {
        "dataId": 0,
        "asOfDate": "2025-12-31",
        "periodType": "12M",
        "currencyCode": "USD",
        "reportedValue": found["annualTotalRevenue"][-1]["reportedValue"],
    }


def test_a_year_is_the_sum_of_its_quarters(market: Market) -> None:
    found = rows(market, "KO", "annualNetIncome", "quarterlyNetIncome", "trailingNetIncome")
    year = sum(raw(found["quarterlyNetIncome"])[-4:])
    assert raw(found["annualNetIncome"])[-1] == pytest.approx(year, abs=4)
    assert raw(found["trailingNetIncome"]) == pytest.approx([year], abs=4)


def test_a_balance_sheet_balances(market: Market) -> None:
    names = ("TotalAssets", "TotalLiabilitiesNetMinorityInterest", "StockholdersEquity")
    found = rows(market, "VOD.L", *(f"quarterly{name}" for name in names))
    assets, liabilities, equity = (raw(facts)[-1] for facts in found.values())
    assert assets == pytest.approx(liabilities + equity, abs=2)
    assert found["quarterlyTotalAssets"][0]["currencyCode"] == "GBP"


def test_unknown_metrics_dead_symbols_and_funds_answer_with_meta_alone(market: Market) -> None:
    assert rows(market, "AAPL", "annualNonsense", "whatever") == {"annualNonsense": [], "whatever": []}
    assert rows(market, "NOPE", "annualNetIncome") == {"annualNetIncome": []}
    assert rows(market, "SPY", "annualNetIncome") == {"annualNetIncome": []}


def test_share_counts_come_without_a_type(market: Market) -> None:
    _, document = asked(market, "/ws/fundamentals-timeseries/v1/finance/timeseries/AAPL", period1="1735689600")
    [row] = document["timeseries"]["result"]
    assert len(row["timestamp"]) == len(row["shares_out"]) == 4
    assert row["shares_out"][-1] == 15_100_000_000


def test_a_summary_has_the_modules_asked_for(market: Market) -> None:
    _, document = asked(market, "/v10/finance/quoteSummary/AAPL", modules="assetProfile,price,nonsense")
    [found] = document["quoteSummary"]["result"]
    assert set(found) == {"assetProfile", "price"}
    assert found["price"]["longName"] == "Apple Inc."


def test_a_summary_of_nothing_is_404(market: Market) -> None:
    assert asked(market, "/v10/finance/quoteSummary/NOPE", modules="price")[0] == 404
    assert asked(market, "/v10/finance/quoteSummary/%5EGSPC", modules="assetProfile")[0] == 404


def test_quotes_leave_unknown_symbols_out_and_refuse_a_hundred(market: Market) -> None:
    _, document = asked(market, "/v7/finance/quote", symbols="AAPL,NOPE,BTC-USD")
    assert [quote["symbol"] for quote in document["quoteResponse"]["result"]] == ["AAPL", "BTC-USD"]
    assert asked(market, "/v7/finance/quote", symbols=",".join(["AAPL"] * 100))[0] == 400


def test_a_split_to_come_is_unknown_to_the_past(market: Market) -> None:
    market.clock.set(datetime(2024, 1, 2, tzinfo=UTC).timestamp())
    _, document = asked(market, "/v10/finance/quoteSummary/NVDA", modules="defaultKeyStatistics")
    assert document["quoteSummary"]["result"][0]["defaultKeyStatistics"]["sharesOutstanding"] == 2_450_000_000


def test_search_and_options_answer(market: Market) -> None:
    assert asked(market, "/v1/finance/search", q="coca")[1]["quotes"][0]["symbol"] == "KO"
    assert asked(market, "/v7/finance/options/AAPL")[1]["optionChain"]["result"][0]["expirationDates"] == []


def test_symbols_are_decoded_and_strange_paths_lead_nowhere() -> None:
    assert route("/v8/finance/chart/%5EGSPC")[1] == "^GSPC"
    assert route("/v8/finance/chart/..%2F..%2Fetc")[1] == "../../etc"
    assert route("/v8/finance/chart/")[0] is OTHER
    assert route("/etc/passwd")[0] is OTHER
