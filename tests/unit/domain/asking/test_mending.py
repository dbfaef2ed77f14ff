"""Which holes are worth a request, and how few requests they take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.asking.mending import is_worth_asking, windows
from stockjobs.domain.asking.planning import Window
from stockjobs.domain.market.coverage import Cause

NOW = datetime(2026, 3, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def hole(ago: int) -> Window:
    """A day so many days ago."""
    return Window(NOW - ago * DAY, NOW - (ago - 1) * DAY)


@pytest.mark.parametrize(
    ("cause", "again", "plain", "forced"),
    [
        (Cause.UNKNOWN, NOW - DAY, True, True),
        (Cause.SOURCE_NULL, NOW, True, True),
        (Cause.SOURCE_NULL, NOW + DAY, False, True),
        (Cause.SOURCE_ABSENT, None, False, True),
        (Cause.SET_ASIDE, None, False, True),
        (Cause.NOT_YET, NOW - DAY, False, False),
        (Cause.BEYOND_RETENTION, NOW - DAY, False, False),
    ],
)
def test_only_what_the_source_may_have_now_is_asked_for(
    cause: Cause, again: datetime | None, plain: bool, forced: bool
) -> None:
    assert is_worth_asking(cause, again, NOW, force=False) is plain
    assert is_worth_asking(cause, again, NOW, force=True) is forced


def test_holes_of_a_year_are_one_request_where_there_is_no_limit() -> None:
    assert list(windows([hole(300), hole(2)], Limits(), NOW)) == [Window(NOW - 300 * DAY, NOW - DAY)]


def test_holes_further_apart_than_a_request_reaches_are_two() -> None:
    found = list(windows([hole(2), hole(20)], Limits(max_span=7 * DAY), NOW))
    assert found == [hole(20), hole(2)]


@given(st.lists(st.integers(1, 28), min_size=1, max_size=20))
def test_every_hole_is_in_a_window_and_no_window_is_wider_than_a_request(ago: list[int]) -> None:
    limits = Limits(max_span=7 * DAY, reach_back=29 * DAY)
    found = list(windows([hole(one) for one in ago], limits, NOW))
    assert all(one.end - one.start <= 7 * DAY and one.start >= NOW - 29 * DAY for one in found)
    assert all(any(window.start <= hole(one).start and hole(one).end <= window.end for window in found) for one in ago)
