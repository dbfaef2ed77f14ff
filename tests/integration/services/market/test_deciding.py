"""Deciding about many findings, and beside others: in even batches, each finding once, in the order in which landings lock."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta

import numpy as np
import pytest
from sqlalchemy import event, select, text

from stockjobs.domain.events import EventName
from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.findings import FindingFilter, FindingKind
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import Conflict
from stockjobs.services.market.quarantine import BATCH, Decided, Quarantine
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import events
from stockjobs.store.market import bars, findings
from stockjobs.store.market.findings import Finding, Good
from tests.fixtures.database import NOON
from tests.fixtures.house import day
from tests.fixtures.market import add_instrument
from tests.fixtures.redis import eventually
from tests.integration.services.work.test_races import at_once

pytestmark = pytest.mark.integration

FIRST = day("2010-01-01")


def held(instrument: int, place: int, close: float = 1.0) -> Finding:
    """A bar of the day with this number, set aside."""
    at = FIRST + timedelta(days=place)
    price = np.array([close])
    aside = Bars(np.array([int(at.timestamp())]), price, price, price, price, np.array([1]), np.array([False]))
    evidence = {"close": close}
    return Finding(FindingKind.REJECTED_BAR, "AAPL", "why", instrument, Interval.D1, at, evidence=evidence, bars=aside)


def set_aside(database: Database, *closes: float) -> list[Finding]:
    """A finding for each close, day after day."""
    with database.begin() as connection:
        instrument = add_instrument(connection, "AAPL")
        found = [held(instrument, place, close) for place, close in enumerate(closes)]
        findings.land(connection, found, NOON)
    return found


def states(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(tables.findings.c.state)).scalars())


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """What is said to the database."""
    said: list[str] = []

    def hear(connection: object, cursor: object, statement: str, *rest: object) -> None:
        said.append(statement)

    event.listen(database.engine, "before_cursor_execute", hear)
    yield said
    event.remove(database.engine, "before_cursor_execute", hear)


@pytest.mark.parametrize("deed", [Quarantine.release_matching, Quarantine.reject_matching])
def test_many_are_decided_in_even_batches_each_by_a_few_statements(
    database: Database, statements: list[str], deed: object
) -> None:
    set_aside(database, *(1.0 for _ in range(2 * BATCH + 7)))
    statements.clear()
    sizes = [done.findings for done in deed(Quarantine(database), FindingFilter(), by="ann")]  # type: ignore[operator]
    assert sizes == [BATCH, BATCH, 7]
    assert len(statements) < 25 * len(sizes)


def test_what_cannot_be_released_is_passed_over_and_keeps_nothing_else_back(database: Database) -> None:
    set_aside(database, *(np.nan for _ in range(BATCH + 1)), *(1.0 for _ in range(3)))
    done = list(Quarantine(database).release_matching(FindingFilter(), by="ann"))
    assert sum(done, start=Decided()) == Decided(findings=3, bars=3, written=3, passed_over=BATCH + 1)
    assert sorted(states(database)) == ["open"] * (BATCH + 1) + ["released"] * 3


def test_two_bars_of_one_time_are_never_released_one_after_the_other(database: Database) -> None:
    last = set_aside(database, *(1.0 for _ in range(BATCH)))[-1]
    with database.begin() as connection:
        assert last.instrument_id is not None
        findings.land(connection, [held(last.instrument_id, BATCH - 1, close=2.0)], NOON)
    with pytest.raises(Conflict, match="one time"):
        list(Quarantine(database).release_matching(FindingFilter(), by="ann"))
    assert set(states(database)) == {"open"}


@pytest.mark.parametrize("second", [Quarantine.release, Quarantine.reject])
def test_of_two_who_decide_at_once_one_does_and_the_other_is_told(database: Database, second: object) -> None:
    found = set_aside(database, 1.0, 2.0)
    names = [str(one.id) for one in found]
    answers = at_once(
        lambda: Quarantine(database).reject(names, by="ann"),
        lambda: second(Quarantine(database), names[::-1], by="bob"),  # type: ignore[operator]
    )
    # What was rejected first may still be released.
    done = [answer for answer in answers if isinstance(answer, Decided)]
    told = [answer for answer in answers if isinstance(answer, Conflict)]
    assert len(done) + len(told) == 2
    assert len(done) == 1 or second is Quarantine.release
    with database.read() as connection:
        names_of_events = {EventName.RELEASED, EventName.REJECTED}
        written = [one for one in events.latest(connection, 100) if one.name in names_of_events]
    assert len(written) == len(done)
    assert len(set(states(database))) == 1


def test_a_decision_that_meets_a_landing_waits_before_it_holds_any_finding(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    [one] = set_aside(database, 1.0)
    assert one.instrument_id is not None
    assert one.at is not None
    with ThreadPoolExecutor(1) as threads:
        with database.begin() as landing:
            bars.lock(landing, [one.instrument_id])
            decision = threads.submit(Quarantine(database).release, [str(one.id)], by="ann")
            eventually(lambda: waits(database))
            landing.execute(text("SET LOCAL lock_timeout = '200ms'"))
            good = [Good(one.instrument_id, Interval.D1, np.array([int(one.at.timestamp())]), UTC)]
            assert findings.mend(landing, good, "DAILY", NOON) == 1
        with pytest.raises(Conflict, match="is mended"):
            decision.result(30)
    database.dispose()


def waits(database: Database) -> bool:
    with database.read() as connection:
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND database = "
        mine = "(SELECT oid FROM pg_database WHERE datname = current_database())"
        return bool(connection.execute(text(waiting + mine)).all())
