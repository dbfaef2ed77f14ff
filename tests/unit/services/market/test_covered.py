"""When a hole is worth asking for by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.intervals import Interval
from stockjobs.services.market.covered import Hole
from stockjobs.store.market.gaps import Gap

TUESDAY, START = date(2026, 3, 3), datetime(2026, 3, 3, 5, tzinfo=UTC)
ASKED = Gap(1, Interval.D1, TUESDAY, 1, Cause.SET_ASIDE, START, 1, START)


def hole(cause: Cause, gap: Gap | None = None) -> Hole:
    return Hole("AAPL", Interval.D1, TUESDAY, 1, cause, START, START + timedelta(days=1), gap=gap)


def test_what_nobody_asked_for_since_it_was_missed_is_worth_asking_for_at_once() -> None:
    """A bar that was set aside before the calendar of its exchange was known has no gap."""
    assert [hole(cause).ask_again_at for cause in (Cause.UNKNOWN, Cause.SET_ASIDE)] == [START, START]


def test_what_the_source_was_asked_for_rests_and_what_was_halted_is_not_asked_for() -> None:
    assert hole(Cause.SET_ASIDE, ASKED).ask_again_at == START + timedelta(days=1)
    assert hole(Cause.HALTED).ask_again_at is None
