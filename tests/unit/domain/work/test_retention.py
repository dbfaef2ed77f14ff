"""How long history is kept."""

from __future__ import annotations

from datetime import UTC, datetime

from stockjobs.domain.ids import job_id
from stockjobs.domain.periods import parse_period
from stockjobs.domain.work.retention import Expired, Retention
from stockjobs.domain.work.states import ENDED, State

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
MONTH, QUARTER = parse_period("P1M"), parse_period("P3M")


def test_what_failed_may_be_kept_longer_than_the_rest() -> None:
    kept = {one.state: one.finished_before for one in Retention(MONTH, QUARTER).expired(NOW)}
    february, december = datetime(2026, 2, 28, 12, tzinfo=UTC), datetime(2025, 12, 31, 12, tzinfo=UTC)
    assert kept == {
        State.COMPLETED: february,
        State.CANCELLED: february,
        State.SKIPPED: february,
        State.FAILED: december,
        State.TIMEOUT: december,
    }
    assert set(kept) == set(ENDED)


def test_without_a_period_it_is_kept_for_ever() -> None:
    assert [one.state for one in Retention(None, MONTH).expired(NOW)] == [State.FAILED, State.TIMEOUT]
    assert Retention(None, None).expired(NOW) == []


def test_states_and_a_job_narrow_it_down() -> None:
    [only] = Retention(MONTH, MONTH).expired(NOW, states=[State.TIMEOUT], job=job_id("A"))
    assert only == Expired(State.TIMEOUT, finished_before=MONTH.times(-1, NOW), job=job_id("A"))
