"""The clocks of a zone for many instants at once are those for each."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.clocks import local_days, midnight, offsets
from stockjobs.domain.scheduling.zones import offset_at

ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Gaza"])
INSTANTS = st.integers(0, 2_000_000_000)


@given(ZONES, st.lists(INSTANTS, max_size=20))
def test_offsets_and_days_are_those_of_each_instant(zone: str, instants: list[int]) -> None:
    clocks, at = ZoneInfo(zone), np.array(instants, dtype=np.int64)
    each = [datetime.fromtimestamp(one, UTC) for one in instants]
    assert offsets(at, clocks).tolist() == [offset_at(clocks, one).total_seconds() for one in each]
    assert local_days(at, clocks).tolist() == [one.astimezone(clocks).date() for one in each]


@pytest.mark.parametrize("change", ["2026-03-08T06:59:59", "2026-11-01T05:59:59"])
def test_instants_around_a_change_of_the_clocks_have_each_their_offset(change: str) -> None:
    before = int(datetime.fromisoformat(change).replace(tzinfo=UTC).timestamp())
    first, second = offsets(np.array([before, before + 1]), ZoneInfo("America/New_York")).tolist()
    assert {first, second} == {-5 * 3_600, -4 * 3_600}


@given(ZONES, st.integers(0, 20_000))
def test_a_day_begins_at_its_midnight(zone: str, day: int) -> None:
    at = np.array([midnight(ZoneInfo(zone), day) - 1, midnight(ZoneInfo(zone), day)])
    assert local_days(at, ZoneInfo(zone)).astype(np.int64).tolist() == [day - 1, day]
