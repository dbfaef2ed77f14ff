"""By which years bars are divided."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.layouts import next_partitions, partitions

YEARS = st.datetimes(datetime(1900, 1, 1), datetime(2190, 1, 1), timezones=st.just(UTC))


@given(YEARS, st.none() | YEARS)
def test_partitions_leave_no_hole_and_reach_to_the_end_of_next_year(now: datetime, oldest: datetime | None) -> None:
    found = partitions(oldest, now)
    assert found[0].start is None
    assert all(one.end == other.start for one, other in pairwise(found))
    assert found[-1].end == datetime(now.year + 2, 1, 1, tzinfo=UTC)
    assert len({one.name for one in found}) == len(found)


def test_bars_before_2000_lie_together() -> None:
    names = [one.name for one in partitions(datetime(1962, 1, 2, tzinfo=UTC), datetime(2003, 5, 1, tzinfo=UTC))]
    assert names == ["bars_old", "bars_2000", "bars_2001", "bars_2002", "bars_2003", "bars_2004"]


def test_next_are_those_of_this_year_and_the_next_that_are_not_there() -> None:
    now = datetime(2026, 12, 31, tzinfo=UTC)
    assert [one.name for one in next_partitions(frozenset(), now)] == ["bars_2026", "bars_2027"]
    assert [one.name for one in next_partitions(frozenset({"bars_2026", "bars_old"}), now)] == ["bars_2027"]
