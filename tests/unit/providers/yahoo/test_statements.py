"""The statements and the profile of a company."""

from __future__ import annotations

from datetime import UTC, date, datetime

import orjson
import pytest

from stockjobs.domain.market.bars import Fact, Identity
from stockjobs.errors import IdentityMismatch, MalformedReply
from stockjobs.providers.yahoo.statements import _questions, read_company_identity, read_facts, read_profile


def series(*rows: object) -> bytes:
    return orjson.dumps({"timeseries": {"result": list(rows), "error": None}})


def row(name: str, *figures: object, symbol: str = "AAPL") -> dict[str, object]:
    return {"meta": {"symbol": [symbol], "type": [name]}, "timestamp": [1], name: list(figures)}


def figure(raw: object = 93_736_000_000, **changes: object) -> dict[str, object]:
    value = {"raw": raw, "fmt": "93.74B"}
    return {"asOfDate": "2025-09-30", "periodType": "12M", "currencyCode": "USD", "reportedValue": value} | changes


def test_a_figure_is_told_by_metric_and_period() -> None:
    body = series(row("annualNetIncome", figure()), row("trailingEBIT", figure(5.5, currencyCode=None)))
    assert read_facts(body, "AAPL") == (
        Fact("NetIncome", "annual", date(2025, 9, 30), 93_736_000_000.0, "USD"),
        Fact("EBIT", "trailing", date(2025, 9, 30), 5.5, ""),
    )


def test_the_rows_of_a_dead_symbol_hold_no_facts() -> None:
    body = series({"meta": {"symbol": ["AAPL"], "type": ["annualNetIncome"]}})
    assert read_facts(body, "AAPL") == ()


def test_null_figures_are_passed_over() -> None:
    assert len(read_facts(series(row("quarterlyEBIT", None, figure(), None)), "AAPL")) == 1


def test_figures_of_another_company_are_refused() -> None:
    with pytest.raises(IdentityMismatch, match="about MSFT"):
        read_facts(series(row("annualEBIT", figure(), symbol="MSFT")), "AAPL")


@pytest.mark.parametrize(
    "broken",
    [
        {"timestamp": []},
        None,
        row("monthlyEBIT", figure()),
        row("annualEBIT", figure(asOfDate="soon")),
        row("annualEBIT", figure(reportedValue=None)),
        row("annualEBIT", figure(None)),
        row("annualEBIT", "figure"),
    ],
)
def test_a_row_that_cannot_be_read_is_malformed(broken: object) -> None:
    with pytest.raises(MalformedReply):
        read_facts(series(broken), "AAPL")


def test_all_figures_are_asked_for_in_questions_that_networks_let_through() -> None:
    questions = list(_questions())
    names = [name for question in questions for name in question.split(",")]
    assert len(names) == len(set(names)) > 900
    assert max(map(len, questions)) <= 4_800
    assert {"annualNetIncome", "quarterlyTotalAssets", "trailingFreeCashFlow"} <= set(names)
    assert "trailingTotalAssets" not in names
    assert len(questions) <= 8


def test_a_profile_is_text_from_several_modules() -> None:
    body = orjson.dumps(
        {
            "quoteSummary": {
                "result": [
                    {
                        "assetProfile": {"sector": "Technology", "fullTimeEmployees": 164_000, "officers": []},
                        "quoteType": {"longName": "Apple Inc.", "shortName": ""},
                        "price": {"currency": "USD", "exchangeName": {"raw": "NasdaqGS"}},
                    }
                ],
                "error": None,
            }
        }
    )
    assert read_profile(body) == {
        "sector": "Technology",
        "fullTimeEmployees": "164000",
        "longName": "Apple Inc.",
        "currency": "USD",
        "exchangeName": "NasdaqGS",
    }


def test_no_profile_is_an_empty_one() -> None:
    assert read_profile(b'{"quoteSummary":{"result":[],"error":null}}') == {}
    assert read_profile(b'{"quoteSummary":{"result":[{"assetProfile":null}],"error":null}}') == {}


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        (
            {"price": {"currency": "GBp"}, "quoteType": {"firstTradeDateEpochUtc": 345479400, "exchange": "LSE"}},
            Identity("VOD.L", "", "", "GBP", "", unit=0.01, first_trade_at=datetime(1980, 12, 12, 14, 30, tzinfo=UTC)),
        ),
        ({"price": {"currency": "USD"}}, Identity("VOD.L", "", "", "USD", "")),
        ({"quoteType": {"firstTradeDateEpochUtc": 345479400}}, None),
        ({"price": None}, None),
    ],
)
def test_a_profile_says_whose_it_is_by_currency_and_first_trade(
    modules: dict[str, object], expected: Identity | None
) -> None:
    body = orjson.dumps({"quoteSummary": {"result": [modules], "error": None}})
    assert read_company_identity(body, "VOD.L") == expected
