"""Bars that come a second time, alone or by the rules of another job: what was set aside stays so, and nothing goes and comes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select

from stockjobs.domain.market.bars import PRICES, Bars, BarsReply, BarsRequest
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.intervals import Interval
from stockjobs.services.collecting.fetching import Answer, Fetched
from stockjobs.services.collecting.landing import land
from stockjobs.services.market.calendars import Calendars
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import gaps, instruments
from tests.fixtures.database import NOON
from tests.unit.services.collecting.test_actions import APPLE, DAY, Desk, bars, opened, split


@dataclass
class Job(Desk):
    """Lands answers for a job, those to a question about a window or else to an ordinary one."""

    job: str = "DAILY"
    window: int | None = None

    def _claim(self) -> Claim:
        window = None if self.window is None else opened(self.window)
        return replace(super()._claim(), job=self.job, window_start=window, window_end=window and self.now)

    def land_together(self, *parts: Bars) -> None:
        """Several answers of one attempt."""
        request = BarsRequest("AAPL", Interval.D1, opened(400), self.now)
        answers = tuple(Answer(request, BarsReply(APPLE, part, ())) for part in parts)
        with self.database.begin() as connection:
            land(connection, self._claim(), Fetched({"AAPL": answers}), self.now)

    def closes(self) -> list[float]:
        """What is stored, oldest first."""
        with self.database.read() as connection:
            return list(connection.execute(select(tables.bars.c.close).order_by(tables.bars.c.at)).scalars())

    def held(self) -> list[tuple[str, str]]:
        """The rule and the state of what was set aside."""
        columns = tables.findings.c
        with self.database.read() as connection:
            query = select(columns.rule, columns.state).where(columns.kind == FindingKind.REJECTED_BAR.value)
            return [(rule, state) for rule, state in connection.execute(query.order_by(columns.at))]

    def unclear(self) -> list[str]:
        """The states of what is not known in which shares it is."""
        columns = tables.findings.c
        with self.database.read() as connection:
            query = select(columns.state).where(columns.kind == FindingKind.UNCLEAR_SHARES.value)
            return list(connection.execute(query).scalars())

    def versions(self) -> int:
        """How many former bars are kept."""
        with self.database.read() as connection:
            return connection.execute(select(func.count()).select_from(tables.bar_versions)).scalar_one()


def times(bars: Bars, factor: float, *backs: int, last: int = 1) -> Bars:
    """Bars up to so many days ago, with the prices of some days multiplied."""
    by = np.ones(len(bars))
    by[[len(bars) - 1 - back + last for back in backs]] = factor
    return replace(bars, **{name: getattr(bars, name) * by for name in PRICES})


def only(bars: Bars, *backs: int) -> Bars:
    """Those of some days ago."""
    return bars.where(np.isin(bars.at, [int(opened(back).timestamp()) for back in backs]))


@pytest.fixture
def daily(database: Database) -> Job:
    return Job(database)


@pytest.mark.parametrize("backs", [(10,), (10, 9, 8)])
def test_a_spike_stays_aside_when_its_days_are_asked_for_alone(daily: Job, backs: tuple[int, ...]) -> None:
    came = times(bars(range(20, 0, -1)), 5, *backs)
    daily.land(came)
    for alone in ((backs[0],), (backs[-1],), backs):
        daily.land(only(came, *alone))
    assert max(daily.closes()) < 110
    assert daily.held() == [("spike", "open")] * len(backs)


def test_a_spike_that_was_stored_last_is_found_by_the_bars_after_it(daily: Job) -> None:
    came = times(bars(range(20, 0, -1)), 5, 10)
    daily.land(only(came, *range(20, 9, -1)))
    daily.land(only(came, *range(9, 0, -1)))
    assert len(daily.closes()) == 20
    daily.land(only(came, 10))
    assert max(daily.closes()) < 110
    assert daily.versions() == 1


def test_what_somebody_has_rejected_stays_aside_whatever_a_job_lets_pass(database: Database) -> None:
    strict, lax = Job(database, validation={"jump": "hold"}), Job(database, job="LAX")
    came = times(bars(range(20, 0, -1)), 5, *range(10, 0, -1))
    strict.land(came)
    columns = tables.findings.c
    with database.read() as connection:
        [finding] = connection.execute(select(columns.id).where(columns.rule == "jump")).scalars()
    Quarantine(database).reject([str(finding)], by="ann")
    more = replace(came, volume=came.volume + 1)
    for job, told in ((lax, came), (strict, more), (lax, more)):
        job.land(told)
        assert len(job.closes()) == 19
        assert job.held() == [("jump", "rejected")]
    # At other prices it is another bar.
    lax.land(times(more, 1.01, 10))
    assert len(lax.closes()) == 20


def test_older_windows_in_another_unit_than_newer_bars_are_set_aside(daily: Job) -> None:
    older = bars(range(30, 10, -1))
    daily.land(bars(range(10, 0, -1)))
    daily.land(times(older, 0.01, *range(30, 10, -1), last=11))
    assert len(daily.closes()) == 10
    assert daily.held() == [("unit-jump", "open")] * 20
    daily.land(older)
    assert daily.held() == [("unit-jump", "mended")] * 20


def test_older_windows_are_good_where_a_split_since_explains_them(daily: Job) -> None:
    daily.land(bars(range(9, 0, -1)), split(5, 10))
    daily.land(times(bars(range(30, 20, -1)), 10, *range(30, 20, -1), last=21))
    assert daily.held() == []
    assert len(daily.closes()) == 19


def test_a_bar_goes_once_where_two_jobs_have_different_rules(database: Database) -> None:
    strict, lax = Job(database), Job(database, job="LAX", validation={"spike": "note"})
    came = times(bars(range(20, 0, -1)), 5, 10)
    lax.land(came)
    strict.land(came)
    assert len(strict.closes()) == 19
    for _ in range(2):
        lax.land(came)
        strict.land(came)
        assert len(strict.closes()) == 20
        assert strict.versions() == 1


def test_a_bar_leaves_also_where_its_source_moves_the_time_of_day(daily: Job) -> None:
    came = times(bars(range(20, 0, -1)), 5, 10)
    daily.land(only(came, *range(20, 9, -1)))
    assert len(daily.closes()) == 11
    daily.land(replace(came, at=came.at - 3_600))
    assert max(daily.closes()) < 110
    assert len(daily.closes()) == 19


def test_what_has_come_as_good_is_not_taken_out_in_the_same_landing(daily: Job) -> None:
    came = times(bars(range(20, 0, -1)), 5, 10)
    first, rest = only(came, *range(20, 9, -1)), only(came, *range(10, 0, -1))
    daily.land(first)
    daily.land_together(only(came, *range(12, 9, -1)), only(came, *range(12, 0, -1)))
    assert len(daily.closes()) == 20
    daily.land(rest)
    assert max(daily.closes()) < 110


@pytest.mark.parametrize(("kept_since", "state"), [(60, "mended"), (20, "noted")])
def test_what_is_unclear_stays_so_until_it_was_asked_for(database: Database, kept_since: int, state: str) -> None:
    """Two windows landed around a split of a small ratio, which another job tells of; an ordinary run asks for both again."""
    for first, last in ((30, 20), (60, 50)):
        Job(database, job="OLD", window=first).land(bars(range(first, last, -1)), since=first)
    later = NOON + 15 * DAY
    told = times(bars(range(60, -15, -1)), 1 / 1.1, *range(60, 1, -1), last=-14)
    rest = Job(database, later, job="REST", window=20)
    rest.land(only(told, *range(20, -15, -1)), split(1, 1.1), since=20)
    assert rest.unclear() == ["open"]
    narrow = Job(database, later + DAY, job="NARROW", window=-12)
    narrow.land(only(told, -12, -13, -14), since=-12)
    assert rest.unclear() == ["open"]
    # What the source keeps no longer is not waited for: nobody can tell.
    Job(database, later + 2 * DAY).land(only(told, *range(kept_since, -15, -1)), split(1, 1.1), since=kept_since)
    assert rest.unclear() == [state]
    if kept_since == 60:
        assert rest.closes() == pytest.approx(told.close.tolist())


@pytest.mark.parametrize(("ratio", "ex", "step"), [(0.44, 4, 10), (0.1, 12, 6)])
@pytest.mark.parametrize("is_mended", [False, True])
def test_a_step_some_days_from_its_split_leads_back_to_all_that_was_stored_before_it(
    daily: Job, ratio: float, ex: int, step: int, *, is_mended: bool
) -> None:
    """Collected day by day: before it is known of, or the new level has lasted, everything looks good."""
    told = times(bars(range(30, 0, -1)), ratio if ratio > 0.4 else 1 / ratio, *range(30, step, -1))

    def some(first: int, last: int) -> None:
        known = (split(ex, ratio),) if first >= ex >= last else ()
        daily.now += timedelta(hours=1)
        daily.land(only(told, *range(first, last - 1, -1)), *known, since=first)

    some(30, 25)
    for last in range(24, 0, -1):
        if daily.unclear()[-1:] == ["open"]:
            break
        some(last + 4, last)
    assert daily.unclear() == ["open"]
    if is_mended:
        told = bars(range(30, 0, -1))
    some(30, last)
    # What the series begins with has left it: it is asked for again, as the source may put it right.
    assert daily.unclear() == ["mended", *(() if is_mended else ("open",))]
    good = bars(range(30, 0, -1)).close[: 31 - last]
    assert daily.closes() == pytest.approx(good[0 if is_mended else 30 - step :].tolist())
    daily.now += timedelta(days=14)
    some(30, 1)
    assert "open" not in daily.unclear()


@pytest.mark.parametrize("extra", [(11, 18), (30,)])
def test_a_day_that_is_missing_is_seen_beside_a_bar_of_another_day(daily: Job, extra: tuple[int, ...]) -> None:
    """Those of two Saturdays, which have traded, or one from before what was asked for."""
    with daily.database.begin() as connection:
        number = instruments.ensure(connection, "yahoo", APPLE, NOON).id
    Calendars(daily.database).refresh()
    whole = bars(range(30, 0, -1))
    is_told = ((whole.at // 86_400 + 3) % 7 < 5) & (whole.at > opened(30).timestamp())
    is_told[whole.at == int(opened(8).timestamp())] = False
    is_told |= np.isin(whole.at, [int(opened(back).timestamp()) for back in extra])
    daily.land(whole.where(is_told), since=29)
    with daily.database.read() as connection:
        found = gaps.of_symbols(connection, "yahoo", ["AAPL"], Interval.D1)
    assert [(day, one.cause) for day, one in found[number].items()] == [(opened(8).date(), Cause.SOURCE_ABSENT)]
