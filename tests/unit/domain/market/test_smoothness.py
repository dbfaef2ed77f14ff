"""Whether a correction leaves the bar before it behind."""

from __future__ import annotations

import pytest

from stockjobs.domain.market.smoothness import is_torn


@pytest.mark.parametrize(
    ("before", "old", "now", "torn"),
    [
        (400.0, 404.0, 101.0, True),
        (100.0, 404.0, 101.0, False),
        (400.0, 404.0, 410.0, False),
        (400.0, 0.0, 101.0, False),
        (-4.0, 404.0, 101.0, False),
    ],
)
def test_a_price_that_leaves_the_one_before_it_behind(before: float, old: float, now: float, torn: bool) -> None:
    assert is_torn(before, old, now) is torn
