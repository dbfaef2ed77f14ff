"""Whether an answer is about the instrument that bears its symbol."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.bars import Identity
from stockjobs.domain.market.identity import Another, Same, Stranger, compare, may_be_another, sound

BORN = datetime(1999, 5, 7, 13, 30, tzinfo=UTC)
NEWEST = datetime(2024, 5, 31, 13, 30, tzinfo=UTC)
KNOWN = Identity("ABC", "NYQ", "America/New_York", "USD", "EQUITY", "Abc Corp.", 1.0, BORN)


def test_the_same_is_the_same() -> None:
    assert compare(KNOWN, KNOWN, NEWEST) == Same()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"exchange": "NMS"}, "exchange NYQ is NMS now"),
        ({"zone": "Europe/London"}, "zone America/New_York is Europe/London now"),
        ({"kind": "ETF"}, "kind EQUITY is ETF now"),
        ({"name": "Abc Holdings"}, ""),
    ],
)
def test_what_is_new_of_an_instrument_is_kept_and_told_where_it_matters(change: dict[str, str], told: str) -> None:
    assert compare(KNOWN, replace(KNOWN, **change), NEWEST) == Same(change, told)


def test_what_an_answer_does_not_say_is_not_forgotten() -> None:
    silent = Identity("ABC", "", "", "", "")
    assert compare(KNOWN, silent, NEWEST) == Same()


def test_what_was_not_known_is_filled_in_without_a_word() -> None:
    unknown = Identity("ABC", "", "", "", "")
    filled = compare(unknown, replace(KNOWN, currency="GBP", unit=0.01), None)
    assert isinstance(filled, Same)
    assert filled.told == ""
    assert (filled.changes["currency"], filled.changes["unit"], filled.changes["first_trade_at"]) == ("GBP", 0.01, BORN)


@pytest.mark.parametrize("change", [{"currency": "EUR"}, {"unit": 0.01}, {"currency": "GBP", "unit": 0.01}])
def test_prices_in_other_units_are_a_stranger_s(change: dict[str, object]) -> None:
    found = compare(KNOWN, replace(KNOWN, **change), NEWEST)  # type: ignore[arg-type]  # fields of an identity
    assert isinstance(found, Stranger)
    assert "kept in USD in units of 1" in found.reason


def test_a_first_trade_after_all_that_is_stored_is_another_instrument_s() -> None:
    newcomer = replace(KNOWN, first_trade_at=NEWEST + timedelta(days=1), currency="CAD")
    assert may_be_another(KNOWN, newcomer)
    found = compare(KNOWN, newcomer, NEWEST)
    assert isinstance(found, Another)
    assert "first traded on 2024-06-01, and the newest stored bar is of 2024-05-31" in found.reason


@given(st.datetimes(datetime(1950, 1, 1), datetime(2024, 5, 31), timezones=st.just(UTC)))
def test_a_first_trade_before_the_newest_bar_never_is(first: datetime) -> None:
    found = compare(KNOWN, replace(KNOWN, first_trade_at=min(first, NEWEST)), NEWEST)
    assert found == Same(), "nor does it change what is known of the beginning"


def test_without_stored_bars_a_first_trade_says_nothing() -> None:
    assert isinstance(compare(KNOWN, replace(KNOWN, first_trade_at=NEWEST), None), Same)


@pytest.mark.parametrize(
    ("wrong", "kept", "told"),
    [
        ({"name": "A\0bc"}, {"name": ""}, r"its name 'A\x00bc' has a control character"),
        ({"kind": "EQ\nUITY"}, {"kind": ""}, r"its kind 'EQ\nUITY' has a control character"),
        ({"zone": "Mars/Olympus"}, {"zone": ""}, "its zone 'Mars/Olympus' is no zone of the IANA database"),
        ({"zone": "../passwd"}, {"zone": ""}, "its zone '../passwd' is no zone of the IANA database"),
        ({"unit": 0.0}, {"currency": "", "unit": 1.0}, "its unit 0.0 is no positive number"),
        ({"unit": -0.01}, {"currency": "", "unit": 1.0}, "its unit -0.01 is no positive number"),
        ({"unit": float("inf")}, {"currency": "", "unit": 1.0}, "its unit inf is no positive number"),
        ({"currency": "U\0D"}, {"currency": "", "unit": 1.0}, r"its currency 'U\x00D' has a control character"),
        (
            {"first_trade_at": NEWEST + timedelta(days=9)},
            {"first_trade_at": None},
            "its first_trade_at 2024-06-09 is in the future",
        ),
    ],
)
def test_what_cannot_be_is_left_out_and_told(wrong: dict[str, object], kept: dict[str, object], told: str) -> None:
    found = sound(replace(KNOWN, **wrong), NEWEST)
    assert (found.identity, found.left_out) == (replace(KNOWN, **kept), told)
    assert compare(KNOWN, found.identity, NEWEST) == Same()


@pytest.mark.parametrize("name", ["Société Générale", "Nestl\u00e9\u00a0S.A.", "株式会社", "Coca\u200b-Cola"])
def test_what_can_be_stays_as_it_is(name: str) -> None:
    assert sound(replace(KNOWN, name=name), NEWEST).left_out == ""
