"""However many symbols there are, and landings, bars or findings of a series: neither database takes a parameter for each."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import Connection, func, select

from stockjobs.domain.asking.planning import Window
from stockjobs.domain.market.bars import PRICES, Bars
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import (
    bar_versions,
    coverage,
    extents,
    findings,
    former,
    gaps,
    holdings,
    instruments,
    landings,
    perishing,
    quarantine,
    restatements,
    trading_days,
    withdrawals,
)
from stockjobs.store.market.bar_versions import Part
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.gaps import Gap
from tests.fixtures.database import NOON
from tests.fixtures.market import add_bars, add_instrument, bar, land_at

MANY = 70_000
"""More than PostgreSQL takes."""

SOME = 100
"""More than SQLite takes here."""

M1, MINUTE = Interval.M1, timedelta(minutes=1)


def stint(connection: Connection) -> None:
    """Let SQLite take no more parameters than the rows of one table have columns: distributions raise what it takes."""
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 20)


def test_a_series_of_very_many_landings_is_told_anew(database: Database) -> None:
    with database.begin() as connection:
        stint(connection)
        instrument = add_instrument(connection, "AAPL")
        first, second = (land_at(connection, NOON - hours * timedelta(hours=1)) for hours in (2, 1))
        for number, landing in enumerate((first, second)):
            add_bars(connection, instrument, [bar(NOON + number * MINUTE, 100.0)], interval=M1, landing=landing)
        others = range(second + 1, second + MANY)
        assert landings.by_people(connection, [first, *others]) == {first}
        assert bar_versions.landed_at(connection, {second, *others}) == {second: NOON - timedelta(hours=1)}
        without = Part(instrument, M1, without={second, *others})
        assert bar_versions.restate(connection, without, 4.0, second) == 1
        times = [NOON + MINUTE] * MANY
        bar_versions.note_split_at(connection, Part(instrument, M1), times, 2.0)
        columns = (tables.bars.c.close, tables.bars.c.split_factor)
        rows = connection.execute(select(*columns).order_by(tables.bars.c.at)).all()
        assert [tuple(row) for row in rows] == [(25.0, 4.0), (100.0, 2.0)]


def test_very_many_bars_of_a_series_are_set_aside_and_decided(database: Database) -> None:
    with database.begin() as connection:
        stint(connection)
        held = Finding(
            FindingKind.REJECTED_BAR,
            "AAPL",
            "why",
            instrument_id=add_instrument(connection, "AAPL"),
            interval=M1,
            at=NOON,
        )
        several = [replace(held, at=NOON + number * MINUTE) for number in range(100)]
        assert len(findings.land(connection, several, NOON)) == 100
        assert findings.land(connection, several, NOON) == frozenset()
        ids = [held.id] * MANY
        assert findings.decide(connection, ids, FindingState.MENDED, "ann", NOON) == 1
        assert findings.open_again(connection, ids) == {held.id}
        assert trading_days.told(connection, ids) == {held.id}
        assert findings.decide(connection, ids, FindingState.RELEASED, "ann", NOON) == 1
        assert findings.released(connection, [*several, *[several[1]] * MANY]) == {held.id}
        of = tables.findings.c.state == FindingState.OPEN.value
        assert connection.execute(select(func.count()).where(of)).scalar() == 99


def test_very_many_symbols_are_looked_up(database: Database) -> None:
    names, day = [f"S{number}" for number in range(MANY)], NOON.date()
    window = Window(NOON, NOON + MINUTE)
    with database.begin() as connection:
        stint(connection)
        instrument = add_instrument(connection, "S7")
        gone = add_instrument(connection, "S8")
        instruments.unname(connection, "yahoo", "S8", NOON)
        of = sorted({instrument, gone, *range(MANY)})
        add_bars(connection, instrument, [bar(NOON, 100.0)], interval=M1)
        gap = Gap(instrument, M1, day, 1, Cause.SOURCE_ABSENT, NOON, 1, NOON)
        gaps.land(connection, [gap])
        assert {*coverage.count(connection, of, M1, window.start, window.end)} == {instrument}
        assert {*extents.extents(connection, of, M1, window)} == {instrument}
        assert {*extents.settled(connection, of, M1, window)} == {instrument}
        assert [one.symbol for one in holdings.stored(connection, names)] == ["S7"]
        assert gaps.of_instruments(connection, of, M1, day, day) == {instrument: {day: gap}}
        assert {*former.formerly(connection, "yahoo", names)} == {"S8"}
        assert former.not_yet(connection, "yahoo", names, NOON) == {}
        assert {*instruments.markets(connection, of)} == {instrument, gone}
        assert [one.symbol for one in instruments.names(connection, names)] == ["S7", "S8"]
        assert restatements.made(connection, of, NOON) == {}


def test_very_many_bars_and_days_of_a_series_are_named(database: Database) -> None:
    seconds = [int(NOON.timestamp()) + 60 * number for number in range(SOME)]
    days = [NOON.date() + timedelta(days=number) for number in range(SOME)]
    with database.begin() as connection:
        stint(connection)
        instrument, landing = add_instrument(connection, "AAPL"), land_at(connection, NOON)
        series = (instrument, M1)
        add_bars(connection, instrument, [bar(NOON, 100.0)], interval=M1, landing=landing)
        gaps.land(connection, [Gap(instrument, M1, days[0], 1, Cause.SOURCE_ABSENT, NOON, 1, NOON)])
        released = Finding(
            FindingKind.REJECTED_BAR, "AAPL", "why", instrument, M1, NOON, state=FindingState.RELEASED, bars=one_bar()
        )
        late = Finding(FindingKind.PERISHING, "AAPL", "why", instrument, M1, NOON)
        findings.land(connection, [released, late], NOON)
        assert withdrawals.released_at(connection, *series, seconds) == {seconds[0]}
        assert withdrawals.withdraw(connection, *series, seconds, land_at(connection, NOON)) == 1
        add_bars(connection, instrument, [bar(NOON, 100.0)], interval=M1, landing=land_at(connection, NOON))
        assert withdrawals.landed_again(connection, series, seconds, besides="job") == {seconds[0]}
        assert gaps.insist(connection, *series, days, NOON) == 1
        assert gaps.clear(connection, *series, days) == 1
        ids = [late.id, released.id, *(uuid4() for _ in seconds)]
        assert {one.id for one in quarantine.by_ids(connection, ids, for_change=True)} == {late.id, released.id}
        assert quarantine.instruments_of(connection, ids) == [instrument]
        held = quarantine.bars_of(connection, ids)
        assert {key for key, bars in held.items() if len(bars)} == {released.id}
        perishing.mend(connection, ids, NOON)
        [mended] = quarantine.by_ids(connection, ids[:1])
        assert mended.state is FindingState.MENDED


def one_bar() -> Bars:
    """A minute."""
    return Bars.of(([int(NOON.timestamp())], *([100.0] for _ in PRICES), [1], [False]))
