"""The table of rules: what it says, and how jobs switch it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import Context, validate
from stockjobs.domain.market.validation.rules import RULES, Severity, check_switch
from stockjobs.errors import InvalidInput
from tests.fixtures.house import spec
from tests.unit.domain.market.validation.series import NOW, bars_at, noted

DAY = 86_400
DAYS = [int(datetime(2025, 1, 6, tzinfo=UTC).timestamp()) + DAY * number for number in range(40)]
PLAIN = Context(NOW, Interval.D1, kind="EQUITY")


def test_each_rule_has_a_name_and_a_reason_of_its_own() -> None:
    assert list(RULES) == [rule.name for rule in RULES.values()]
    assert len({rule.reason for rule in RULES.values()}) == len(RULES)
    assert {rule.severity for rule in RULES.values()} == {Severity.HOLD, Severity.NOTE}


@pytest.mark.parametrize(
    ("name", "word", "complaint"),
    [
        ("zero-volumes", "off", "did you mean zero-volume?"),
        ("nonsense", "off", "one of price-missing, "),
        ("zero-volume", "ignore", "one of hold, note, off"),
        ("zero-volume", False, "false is not what zero-volume can do"),
        (5, "off", "5 is not a rule"),
        ("duplicate-time", "note", "cannot be switched"),
        ("price-missing", "off", "cannot be switched"),
    ],
)
def test_what_cannot_be_switched_is_refused_with_what_to_do(name: object, word: object, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint.replace("?", r"\?")):
        check_switch(name, word)


def test_a_job_without_switches_has_the_digest_that_it_always_had() -> None:
    assert "validation" not in spec().document()
    switched = spec(validation={"jump": "hold", "zero-volume": "off"})
    assert switched.document()["validation"] == {"jump": "hold", "zero-volume": "off"}
    assert switched.digest() != spec().digest()


def test_a_rule_that_is_switched_on_holds_and_one_that_is_off_says_nothing() -> None:
    bars = replace(bars_at(DAYS), volume=np.zeros(40, dtype=np.int64))
    assert noted(validate(bars, PLAIN)) == {"zero-volume": 2}
    assert len(validate(bars, PLAIN, {"zero-volume": Severity.HOLD}).rejected) == 40
    quiet = validate(bars, PLAIN, {"zero-volume": Severity.OFF})
    assert (len(quiet.good), quiet.rejected, quiet.noted) == (40, (), ())


def test_what_is_noted_every_month_stands_at_its_first() -> None:
    bars = replace(bars_at(DAYS), volume=np.zeros(40, dtype=np.int64))
    months = [int(datetime(2025, month, 1, tzinfo=UTC).timestamp()) for month in (1, 2)]
    assert [one.at for one in validate(bars, PLAIN).noted] == months


@pytest.mark.parametrize("kind", ["CURRENCY", "INDEX"])
def test_no_volume_is_missed_where_none_is_counted(kind: str) -> None:
    assert validate(bars_at(DAYS, volume=0), replace(PLAIN, kind=kind)).noted == ()


def test_bars_out_of_order_are_noted_sorted_and_good() -> None:
    bars = bars_at(DAYS)
    checked = validate(bars.where(np.arange(40)[::-1]), PLAIN)
    assert checked.good.at.tolist() == DAYS
    assert noted(checked) == {"unordered": 2}


def test_a_bar_that_breaks_several_rules_is_held_for_the_first() -> None:
    bars = bars_at(DAYS)
    bars.high[3], bars.volume[3] = 1.0, -5
    [one] = validate(bars, PLAIN).rejected
    assert (one.rule, one.at) == ("high-below-low", DAYS[3])


def test_what_a_held_bar_looks_like_is_not_noted_too() -> None:
    bars = bars_at(DAYS, volume=1_000)
    bars.high[3], bars.low[3] = bars.low[3] / 9, bars.high[3] * 9
    checked = validate(bars, PLAIN)
    assert (len(checked.rejected), checked.noted) == (1, ())
