"""How much Yahoo serves of each interval, and what can be chosen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import InvalidInput
from stockjobs.providers.yahoo.limits import limits
from stockjobs.providers.yahoo.options import YahooOptions


@pytest.mark.parametrize(
    ("interval", "span", "back"),
    [
        (Interval.M1, 7, 29),
        (Interval.M2, 59, 59),
        (Interval.M30, 59, 59),
        (Interval.M90, 59, 59),
        (Interval.H1, 729, 729),
    ],
)
def test_within_the_day_windows_are_limited(interval: Interval, span: int, back: int) -> None:
    found = limits(interval)
    assert (found.max_span, found.reach_back) == (timedelta(days=span), timedelta(days=back))


def test_every_interval_has_its_limits_and_days_have_none() -> None:
    for interval in Interval:
        assert (limits(interval).max_span is None) == (not interval.is_intraday)


@pytest.mark.parametrize(
    "base", ["127.0.0.1:8080", "ftp://a", "http://", "http://u:p@a", "http://a?x=1", "http://a:99999", "file:///etc"]
)
def test_a_base_that_is_no_plain_address_is_refused(base: str) -> None:
    with pytest.raises(InvalidInput, match="not a plain http or https address"):
        YahooOptions(base_url=base)


def test_a_refused_base_is_not_repeated_because_it_may_hold_a_password() -> None:
    with pytest.raises(InvalidInput) as caught:
        YahooOptions(base_url="http://me:s3cret@host")
    assert "s3cret" not in str(caught.value)


def test_a_plain_base_is_accepted() -> None:
    assert YahooOptions(base_url="http://127.0.0.1:8080").engine == "chart"


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InvalidInput, match="use chart or history"):
        YahooOptions(engine="fast")  # type: ignore[arg-type]
