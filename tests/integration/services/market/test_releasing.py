"""Released bars are told in the shares of now, never replace good ones unasked, and close the gaps of their days."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.findings import FindingFilter, FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import Conflict
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import bars, findings, gaps
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.gaps import Gap
from tests.fixtures.database import NOON
from tests.fixtures.house import day
from tests.fixtures.market import add_action, add_bars, add_instrument, bar
from tests.fixtures.redis import eventually
from tests.integration.services.market.test_deciding import waits

pytestmark = pytest.mark.integration

TUESDAY = day("2026-02-10")
THEN = day("2026-02-11")
PRICES = ("open", "high", "low", "close")


def one_bar(close: float, at: datetime = TUESDAY, high: float | None = None) -> Bars:
    price = np.array([close])
    high_ = price if high is None else np.array([high])
    return Bars(np.array([int(at.timestamp())]), price, high_, price, price, np.array([1_000]), np.array([False]))


def hold(database: Database, instrument: int, held: Bars, rule: str = "spike", then: datetime = THEN) -> str:
    """Set a bar aside. Gives its id."""
    at = datetime.fromtimestamp(int(held.at[0]), TUESDAY.tzinfo)
    evidence = {name: float(getattr(held, name)[0]) for name in PRICES}
    found = Finding(
        FindingKind.REJECTED_BAR,
        "AAPL",
        f"broke {rule}",
        instrument,
        Interval.D1,
        at,
        rule,
        evidence=evidence,
        bars=held,
    )
    with database.begin() as connection:
        findings.land(connection, [found], then)
    return str(found.id)


def series(database: Database, close: float, *, factor: float = 1.0, without: Sequence[datetime] = (TUESDAY,)) -> int:
    """Daily bars around the day, without some; their prices have splits of this factor."""
    with database.begin() as connection:
        instrument = add_instrument(connection, "AAPL")
        days = [TUESDAY + timedelta(days=number) for number in range(-8, 9)]
        add_bars(connection, instrument, [bar(at, close, split_factor=factor) for at in days if at not in without])
    return instrument


def restated(database: Database, instrument: int, ratio: float, made: datetime) -> None:
    """Note that all bars up to the last were told anew by a ratio that no split explains."""
    evidence = {"ratio": ratio, "to": (TUESDAY + timedelta(days=8)).isoformat()}
    state, kind = FindingState.NOTED, FindingKind.RESTATEMENT
    found = Finding(kind, "AAPL", "told anew", instrument, Interval.D1, TUESDAY, evidence=evidence, state=state)
    with database.begin() as connection:
        findings.land(connection, [found], made)


def stored(database: Database) -> dict[date, tuple[float, float]]:
    """Close and splits in the price, by day."""
    columns = (tables.bars.c.at, tables.bars.c.close, tables.bars.c.split_factor)
    with database.read() as connection:
        return {at.date(): (close, factor) for at, close, factor in connection.execute(select(*columns))}


def test_a_bar_is_told_in_the_shares_of_an_unexplained_restatement_since(database: Database) -> None:
    instrument = series(database, 25.0, factor=4.0)
    name = hold(database, instrument, one_bar(104.0))
    restated(database, instrument, 4.0, THEN + timedelta(days=3))
    Quarantine(database).release([name], by="ann")
    assert stored(database)[TUESDAY.date()] == (26.0, 4.0)


def test_a_split_that_is_told_after_its_restatement_counts_once(database: Database) -> None:
    instrument = series(database, 25.0, factor=4.0)
    spike, name = one_bar(1_040.0), hold(database, instrument, one_bar(1_040.0))
    restated(database, instrument, 4.0, THEN + timedelta(days=3))
    with database.begin() as connection:
        ex_day = TUESDAY + timedelta(days=9)
        add_action(connection, instrument, "split", ex_day, 4.0)
    assert Quarantine(database).get(name).told.close.tolist() == (spike.close / 4).tolist()
    Quarantine(database).release([name], by="ann")
    assert stored(database)[TUESDAY.date()] == (260.0, 4.0)


def test_a_bar_that_came_in_new_shares_already_is_stored_as_it_came(database: Database) -> None:
    instrument = series(database, 25.0, factor=4.0)
    name = hold(database, instrument, one_bar(26.0), "unsplit")
    restated(database, instrument, 4.0, THEN + timedelta(days=3))
    Quarantine(database).release([name], by="ann")
    assert stored(database)[TUESDAY.date()] == (26.0, 4.0)


def test_a_split_that_the_stored_bars_do_not_have_yet_is_not_told_of(database: Database) -> None:
    instrument = series(database, 100.0)
    spike, plain = hold(database, instrument, one_bar(1_040.0)), hold(database, instrument, one_bar(104.0), "jump")
    with database.begin() as connection:
        add_action(connection, instrument, "split", TUESDAY + timedelta(days=9), 4.0)
    quarantine = Quarantine(database)
    assert [quarantine.get(name).told.close.tolist() for name in (spike, plain)] == [[1_040.0], [104.0]]
    quarantine.release([spike], by="ann")
    assert stored(database)[TUESDAY.date()] == (1_040.0, 1.0)


def test_a_release_waits_for_a_landing_and_sees_the_split_that_it_brings(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    instrument = series(database, 100.0)
    name = hold(database, instrument, one_bar(104.0))
    with ThreadPoolExecutor(1) as threads:
        with database.begin() as landing:
            bars.lock(landing, [instrument])
            release = threads.submit(Quarantine(database).release, [name], by="ann")
            eventually(lambda: waits(database))
            restate = {column: tables.bars.c[column] / 4 for column in PRICES}
            landing.execute(update(tables.bars).values(**restate, split_factor=4.0))
            add_action(landing, instrument, "split", TUESDAY + timedelta(days=9), 4.0)
            last = database.now(landing)
        assert release.result(30).written == 1
    assert stored(database)[TUESDAY.date()] == (26.0, 4.0)
    with database.read() as connection:
        assert connection.execute(select(tables.landings.c.at)).scalar_one() > last
    database.dispose()


def test_a_good_stored_bar_gives_way_only_if_told_so(database: Database) -> None:
    instrument = series(database, 100.0, without=())
    name = hold(database, instrument, one_bar(100.0, high=50.0), "high-below-low")
    quarantine = Quarantine(database)
    assert quarantine.get(name).stored.close.tolist() == [100.0]
    with pytest.raises(Conflict, match=r"passes the checks: stored is open 100, high 100.*--replace"):
        quarantine.release([name], by="ann")
    [passed_over] = quarantine.release_matching(FindingFilter(), by="ann")
    assert (passed_over.findings, passed_over.passed_over) == (0, 1)
    assert quarantine.release([name], by="ann", replace=True).written == 1
    with database.read() as connection:
        [high] = connection.execute(select(tables.bars.c.high).where(tables.bars.c.at == TUESDAY)).scalars()
        [version] = connection.execute(select(tables.bar_versions.c.high)).scalars()
    assert (high, version) == (50.0, 100.0)


def test_a_stored_bar_that_is_impossible_itself_gives_way(database: Database) -> None:
    instrument = series(database, 100.0, without=())
    with database.begin() as connection:
        connection.execute(update(tables.bars).where(tables.bars.c.at == TUESDAY).values(high=10.0))
    name = hold(database, instrument, one_bar(100.0, high=50.0), "high-below-low")
    assert Quarantine(database).release([name], by="ann").written == 1


def test_a_history_that_varies_is_released_without_more(database: Database) -> None:
    instrument = series(database, 100.0, without=())
    came = one_bar(130.0)
    found = Finding(FindingKind.VARYING_RATIO, "AAPL", "varies", instrument, Interval.D1, TUESDAY, bars=came)
    with database.begin() as connection:
        findings.land(connection, [found], THEN)
    assert Quarantine(database).release([str(found.id)], by="ann").written == 1


@pytest.mark.parametrize(
    ("state", "release", "reject"),
    [
        (
            FindingState.RELEASED,
            "nothing left to do",
            "`stockctl backfill --symbols AAPL --interval 1d --start 2026-02-10 ",
        ),
        (FindingState.REJECTED, None, "`stockctl release"),
        (FindingState.MENDED, "nothing left to decide", "nothing left to decide"),
        (FindingState.NOTED, "nothing to decide", "nothing to decide"),
    ],
)
def test_what_is_decided_is_told_with_who_when_and_a_way_back(
    database: Database, state: FindingState, release: str | None, reject: str
) -> None:
    instrument = series(database, 100.0)
    name = hold(database, instrument, one_bar(104.0))
    with database.begin() as connection:
        decided = {"state": state.value, "decided_at": THEN, "decided_by": "bob"}
        connection.execute(update(tables.findings).values(decided))
    quarantine = Quarantine(database)
    with pytest.raises(Conflict, match=reject) as refused:
        quarantine.reject([name], by="ann")
    if state is not FindingState.NOTED:
        assert f"{state} since 2026-02-11 00:00 UTC, by bob" in str(refused.value)
    if release is None:
        assert quarantine.release([name], by="ann").written == 1
    else:
        with pytest.raises(Conflict, match=release):
            quarantine.release([name], by="ann")


@pytest.mark.parametrize("has_calendar", [True, False])
def test_a_release_closes_the_gap_and_the_finding_of_its_day(database: Database, has_calendar: bool) -> None:
    instrument = series(database, 100.0, without=(TUESDAY, TUESDAY + timedelta(days=1)))
    opens = {at: at + timedelta(hours=14, minutes=30) for at in (TUESDAY, TUESDAY + timedelta(days=1))}
    no_rows = [Finding(FindingKind.NO_ROWS, "AAPL", "none", instrument, Interval.D1, at) for at in opens.values()]
    with database.begin() as connection:
        findings.land(connection, no_rows, THEN)
        each = Gap(instrument, Interval.D1, TUESDAY.date(), 1, Cause.SET_ASIDE, THEN, 1, THEN)
        gaps.land(connection, [each, replace(each, day=each.day + timedelta(days=1))])
        if has_calendar:
            keep(connection, opens)
    name = hold(database, instrument, one_bar(104.0, at=opens[TUESDAY]))
    Quarantine(database).release([name], by="ann")
    with database.read() as connection:
        left = gaps.of_instruments(connection, [instrument], Interval.D1, date(2026, 2, 1), date(2026, 3, 1))
        is_none = tables.findings.c.kind == FindingKind.NO_ROWS.value
        states = connection.execute(
            select(tables.findings.c.state).where(is_none).order_by(tables.findings.c.at)
        ).scalars()
        assert list(left[instrument]) == [date(2026, 2, 11)]
        if has_calendar:
            assert list(states) == ["mended", "open"]


def test_a_release_counts_the_minutes_that_are_still_missing(database: Database) -> None:
    with database.begin() as connection:
        instrument = add_instrument(connection, "AAPL")
        opens = TUESDAY + timedelta(hours=14, minutes=30)
        keep(connection, {TUESDAY: opens})
        add_bars(
            connection,
            instrument,
            [bar(opens + timedelta(hours=number), 100.0) for number in range(5)],
            interval=Interval.H1,
        )
        gaps.land(connection, [Gap(instrument, Interval.H1, TUESDAY.date(), 2, Cause.SET_ASIDE, THEN, 1, THEN)])
        late = one_bar(101.0, at=opens + timedelta(hours=5))
        found = Finding(
            FindingKind.REJECTED_BAR, "AAPL", "why", instrument, Interval.H1, opens, "spike", evidence={}, bars=late
        )
        findings.land(connection, [found], THEN)
    Quarantine(database).release([str(found.id)], by="ann")
    with database.read() as connection:
        [left] = gaps.of_instruments(connection, [instrument], Interval.H1, TUESDAY.date(), TUESDAY.date())[
            instrument
        ].values()
    assert (left.missing, left.asked) == (1, 1)


def keep(connection: object, opens: dict[datetime, datetime]) -> None:
    """Sessions of six and a half hours of New York with these opens."""
    calendar = {"exchange": "XNYS", "first_day": date(2026, 1, 1), "last_day": date(2026, 12, 31)}
    connection.execute(insert(tables.calendars).values(**calendar, source="test", computed_at=NOON))  # type: ignore[attr-defined]
    rows = [
        {
            "exchange": "XNYS",
            "day": at.date(),
            "open": open_,
            "close": open_ + timedelta(hours=6.5),
            "is_half_day": False,
        }
        for at, open_ in opens.items()
    ]
    connection.execute(insert(tables.sessions), rows)  # type: ignore[attr-defined]
