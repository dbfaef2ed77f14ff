"""What prices count in."""

import pytest

from stockjobs.domain.market.money import money


@pytest.mark.parametrize(
    ("currency", "unit", "shown"),
    [("USD", 1.0, "USD"), ("GBP", 0.01, "0.01 GBP"), ("KWD", 0.001, "0.001 KWD"), ("", 1.0, "")],
)
def test_a_unit_that_is_not_the_currency_is_told(currency: str, unit: float, shown: str) -> None:
    assert money(currency, unit) == shown
