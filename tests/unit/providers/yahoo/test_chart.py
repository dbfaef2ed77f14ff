"""The JSON of a chart, read into columns."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.errors import IdentityMismatch, MalformedReply
from stockjobs.providers.yahoo.chart import read_chart
from tests.fixtures.charts import at, chart, meta

DAYS = ["2026-06-05T09:30-04:00", "2026-06-08T09:30-04:00"]


def test_rows_become_columns_of_equal_length() -> None:
    rows = read_chart(chart(DAYS, [1.5, 2.5]), "AAPL", "1d").rows
    assert rows.at.tolist() == [at(day) for day in DAYS]
    assert rows.open.tolist() == rows.close.tolist() == [1.5, 2.5]
    assert rows.volume.tolist() == [100, 100]


def test_a_null_row_stays_as_nan_without_volume() -> None:
    rows = read_chart(chart(DAYS, [None, 2.5]), "AAPL", "1d").rows
    assert np.isnan([rows.open[0], rows.high[0], rows.low[0], rows.close[0]]).all()
    assert rows.volume.tolist() == [-1, 100]


def test_an_empty_window_is_a_chart_without_rows() -> None:
    read = read_chart(chart([], []), "AAPL", "1d")
    assert len(read.rows) == 0
    assert read.meta.identity.zone == "America/New_York"


def test_rows_out_of_order_are_sorted() -> None:
    rows = read_chart(chart(DAYS[::-1], [2.5, 1.5]), "AAPL", "1d").rows
    assert rows.at.tolist() == [at(day) for day in DAYS]
    assert rows.close.tolist() == [1.5, 2.5]


def test_rows_of_the_same_time_are_all_kept_for_validation() -> None:
    assert len(read_chart(chart([DAYS[0]] * 2, [1.0, 2.0]), "AAPL", "1d").rows) == 2


def test_volumes_beyond_doubles_keep_every_digit() -> None:
    document = orjson.loads(chart(DAYS, [1.0, None]))
    document["chart"]["result"][0]["indicators"]["quote"][0]["volume"] = [2**53 + 1, None]
    assert read_chart(orjson.dumps(document), "AAPL", "1d").rows.volume.tolist() == [2**53 + 1, -1]


def test_numbers_that_are_none_cost_their_own_row_only() -> None:
    body = chart(DAYS, [1.0, 2.0]).replace(b'"open":[1.0,2.0]', b'"open":[NaN,-Infinity]')
    rows = read_chart(body.replace(b'"volume":[100,100]', b'"volume":[NaN,100.0]'), "AAPL", "1d").rows
    assert str(rows.open.tolist()) == "[nan, -inf]"
    assert rows.close.tolist() == [1.0, 2.0]
    assert rows.volume.tolist() == [-1, 100]


def test_the_symbol_is_compared_without_regard_to_case() -> None:
    assert read_chart(chart(DAYS, [1, 2], symbol="aapl"), "AAPL", "1d").meta.identity.symbol == "aapl"


def test_an_answer_about_another_symbol_is_refused() -> None:
    with pytest.raises(IdentityMismatch, match="about MSFT"):
        read_chart(chart(DAYS, [1, 2], symbol="MSFT"), "AAPL", "1d")


def test_an_answer_at_another_interval_is_refused() -> None:
    with pytest.raises(IdentityMismatch, match="is at 1mo"):
        read_chart(chart(DAYS, [1, 2], dataGranularity="1mo"), "AAPL", "1d")


def test_sixty_minutes_are_an_hour() -> None:
    assert len(read_chart(chart(DAYS, [1, 2], dataGranularity="60m"), "AAPL", "1h").rows) == 2


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("meta",), None),
        (("meta", "exchangeTimezoneName"), "Mars/Olympus"),
        (("meta", "exchangeTimezoneName"), "../../etc/passwd"),
        (("meta", "exchangeTimezoneName"), None),
        (("indicators",), None),
        (("indicators", "quote"), []),
        (("indicators", "quote", 0, "open"), None),
        (("indicators", "quote", 0, "open"), [1.0]),
        (("indicators", "quote", 0, "open"), ["a", "b"]),
        (("indicators", "quote", 0, "open"), [[1.0], [2.0, 3.0]]),
        (("indicators", "quote", 0, "volume"), [1, {}]),
        (("indicators", "quote", 0, "volume"), [1, "2"]),
        (("indicators", "quote", 0, "volume"), [[1], [2]]),
        (("indicators", "quote", 0, "volume"), [1, 2**70]),
        (("timestamp",), [None, None]),
        (("timestamp",), "never"),
        (("events",), {"dividends": {"1": {"amount": 1.0}}}),
        (("events",), {"dividends": {"1": {"date": 10**30, "amount": 1.0}}}),
    ],
)
def test_a_chart_with_a_broken_part_is_malformed(path: tuple[str | int, ...], value: object) -> None:
    document = orjson.loads(chart(DAYS, [1.0, 2.0]))
    place = document["chart"]["result"][0]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(MalformedReply):
        read_chart(json.dumps(document).encode(), "AAPL", "1d")


def test_an_event_without_a_value_spoils_no_bar() -> None:
    document = orjson.loads(chart(DAYS, [1.0, 2.0]))
    splits = {"1": {"date": 1, "numerator": 1, "denominator": 0}}
    document["chart"]["result"][0]["events"] = {"splits": splits, "dividends": {"2": {"date": 2, "amount": None}}}
    found = read_chart(json.dumps(document).encode(), "AAPL", "1d")
    assert len(found.rows) == 2
    assert [(one.kind, one.value) for one in found.actions] == [
        ("split", pytest.approx(float("nan"), nan_ok=True)),
        ("dividend", pytest.approx(float("nan"), nan_ok=True)),
    ]


def test_no_result_is_malformed() -> None:
    with pytest.raises(MalformedReply):
        read_chart(b'{"chart":{"result":null,"error":null}}', "AAPL", "1d")


@pytest.mark.parametrize(
    ("word", "currency", "unit"),
    [
        ("USD", "USD", 1.0),
        ("GBp", "GBP", 0.01),
        ("GBX", "GBP", 0.01),
        ("ILA", "ILS", 0.01),
        ("ZAc", "ZAR", 0.01),
        ("KWF", "KWD", 0.001),
    ],
)
def test_parts_of_a_currency_are_told_as_its_iso_code_and_a_unit(word: str, currency: str, unit: float) -> None:
    identity = read_chart(chart(DAYS, [1, 2], currency=word), "AAPL", "1d").meta.identity
    assert (identity.currency, identity.unit) == (currency, unit)


def test_identity_is_told_in_yahoos_words() -> None:
    identity = read_chart(chart(DAYS, [1, 2]), "AAPL", "1d").meta.identity
    assert (identity.exchange, identity.kind, identity.name) == ("NMS", "EQUITY", "Apple Inc.")
    assert identity.first_trade_at == datetime(1980, 12, 12, 14, 30, tzinfo=UTC)


def test_the_short_name_stands_in_for_the_long_one() -> None:
    assert read_chart(chart(DAYS, [1, 2], longName=None), "AAPL", "1d").meta.identity.name == "Apple"


def test_events_become_actions_in_order_of_time() -> None:
    events = {
        "dividends": {"x": {"amount": 0.25, "date": at(DAYS[1])}},
        "splits": {"y": {"date": at(DAYS[0]), "numerator": 1.0, "denominator": 10.0, "splitRatio": "1:10"}},
        "capitalGains": {"z": {"amount": 3, "date": at(DAYS[0])}},
    }
    actions = read_chart(chart(DAYS, [1, 2], events=events), "AAPL", "1d").actions
    first, second = (datetime.fromisoformat(day).astimezone(UTC) for day in DAYS)
    assert actions == (
        CorporateAction("capital_gain", first, 3.0),
        CorporateAction("split", first, 0.1),
        CorporateAction("dividend", second, 0.25),
    )


def test_meta_of_any_shape_without_trading_periods_is_accepted() -> None:
    shapes: tuple[object, ...] = ({"pre": [], "post": []}, None, [], "x", [[None]])
    for periods in shapes:
        assert len(read_chart(chart(DAYS, [1, 2], tradingPeriods=periods), "AAPL", "1d").meta.periods) == 0
    assert "tradingPeriods" not in meta()
