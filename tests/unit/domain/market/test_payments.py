"""In which shares an amount is that was told twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stockjobs.domain.market.actions import Action
from stockjobs.domain.market.payments import in_shares_of
from stockjobs.domain.market.splits import Split

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def later(days: int, ratio: float) -> Split:
    return Split(int((DAY + timedelta(days=days)).timestamp()), ratio)


@pytest.mark.parametrize(
    ("splits", "known", "told", "kept"),
    [
        ((), 1.0, 2.0, 2.0),
        ((), 2.0, 1.0, 2.0),
        ((later(5, 2.0),), 1.0, 2.0, 2.0),
        # As an unexplained ratio has it, which is no known split.
        ((later(5, 2.0),), 2.0, 6.0, 2.0),
        ((later(5, 1.5), later(11, 0.1)), 0.15, 0.1, 0.15),
        ((later(5, 1.5), later(11, 0.1)), 0.1, 0.15, 0.15),
        ((later(-5, 3.0),), 1.0, 2.0, 2.0),
    ],
)
def test_the_same_amount_is_in_the_shares_of_all_known_splits_or_of_more(
    splits: tuple[Split, ...], known: float, told: float, kept: float
) -> None:
    before, after = (Action("dividend", DAY, 0.5, factor) for factor in (known, told))
    found = in_shares_of([before], [after], splits)
    assert [one.split_factor for one in found] == ([kept] if kept != known else [])
