"""Landing bars: written once, again only where they differ, and never lost sight of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from psycopg import Cursor
from sqlalchemy import Connection, insert, select, text

from stockjobs.domain.market.bars import NO_VOLUME, Bars
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import bars, landings, reading
from stockjobs.store.market.bar_rows import Span
from stockjobs.store.market.bars import Landing
from tests.fixtures.database import NOON
from tests.fixtures.house import bars_of
from tests.fixtures.market import add_bars, add_instrument, bar

DAY = Interval.D1
FIRST = NOON - timedelta(days=30)


@pytest.fixture
def instruments(database: Database) -> list[int]:
    """Three instruments."""
    common = {"exchange": "NMS", "zone": "UTC", "currency": "USD", "unit": 1.0, "kind": "EQUITY", "name": ""}
    with database.begin() as connection:
        for number in range(3):
            values = {**common, "uid": UUID(int=number), "created_at": NOON}
            connection.execute(insert(tables.instruments).values(values))
        return list(connection.execute(select(tables.instruments.c.id)).scalars())


def _numbered(connection: Connection) -> Callable[[], int]:
    made: list[int] = []

    def landing() -> int:
        if not made:
            made.append(landings.begin(connection, NOON, attempt=None, by="test"))
        return made[0]

    return landing


def _land(database: Database, *given: Landing) -> int:
    with database.begin() as connection:
        return bars.land(connection, given, NOON, landing=_numbered(connection))


def _rows(database: Database, name: str = "bars") -> list[dict[str, object]]:
    table = tables.metadata.tables[name]
    with database.read() as connection:
        return [
            dict(row)
            for row in connection.execute(select(table).order_by(table.c.instrument_id, table.c.at)).mappings()
        ]


def _count(database: Database, name: str) -> int:
    return (
        len(_rows(database, name))
        if name in ("bars", "bar_versions")
        else _scalar(database, f"SELECT count(*) FROM {name}")
    )


def _scalar(database: Database, statement: str) -> int:
    with database.read() as connection:
        found: int = connection.execute(text(statement)).scalar_one()
        return found


def _bars(days: int = 10, first: datetime = FIRST) -> Bars:
    return bars_of(first, first + timedelta(days=days), DAY)


def _raised(came: Bars, place: int, by: float = 1.01) -> Bars:
    factor = np.ones(len(came))
    factor[place] = by
    prices = {name: getattr(came, name) * factor for name in ("open", "high", "low", "close")}
    return replace(came, **prices)


def test_bars_are_read_back_as_they_were_landed(database: Database, instruments: list[int]) -> None:
    volume = np.array([1, NO_VOLUME, 3, NO_VOLUME, 2**53 + 1])
    came = replace(_bars(5), volume=volume, provisional=np.array([False, False, True, False, True]))
    assert _land(database, Landing(instruments[0], DAY, came)) == 5
    with database.read() as connection:
        found = reading.read(connection, instruments[0], DAY, None, None)
    for name in ("at", "open", "high", "low", "close", "volume", "provisional"):
        assert getattr(found, name).tolist() == getattr(came, name).tolist()


def test_several_series_are_landed_each_under_its_own(database: Database, instruments: list[int]) -> None:
    one, two = _bars(4), _bars(7, FIRST + timedelta(days=2))
    hours = bars_of(FIRST, FIRST + timedelta(hours=5), Interval.H1)
    written = _land(
        database,
        Landing(instruments[1], DAY, two),
        Landing(instruments[0], DAY, one),
        Landing(instruments[1], Interval.H1, hours),
    )
    assert written == 16
    with database.read() as connection:
        assert reading.read(connection, instruments[0], DAY, None, None).at.tolist() == one.at.tolist()
        assert reading.read(connection, instruments[1], DAY, None, None).at.tolist() == two.at.tolist()
        assert reading.read(connection, instruments[1], Interval.H1, None, None).close.tolist() == hours.close.tolist()


def test_equal_bars_landed_again_write_nothing_at_all(database: Database, instruments: list[int]) -> None:
    given = Landing(instruments[0], DAY, _bars())
    _land(database, given)
    before = _rows(database)
    assert _land(database, given) == 0
    assert _rows(database) == before
    assert _count(database, "landings") == 1
    assert _count(database, "bar_versions") == 0


def test_equal_bars_landed_again_leave_no_dead_row_and_take_no_transaction_id(postgresql_url: str) -> None:
    database = Database(postgresql_url, clock=lambda _: NOON)
    with database.begin() as connection:
        given = [Landing(add_instrument(connection, symbol), DAY, _bars()) for symbol in ("AAPL", "MSFT")]
    _land(database, *given)
    places = "SELECT string_agg(ctid::text || xmin::text || xmax::text, ',' ORDER BY at) FROM bars"
    before = _scalar(database, places)
    with database.begin() as connection:
        assert bars.land(connection, given, NOON, landing=_numbered(connection)) == 0
        assert connection.execute(text("SELECT pg_current_xact_id_if_assigned()")).scalar() is None
    assert _scalar(database, places) == before
    assert _scalar(database, "SELECT count(*) FROM pg_class WHERE relname = 'landing'") == 0
    database.dispose()


def test_spans_that_may_hold_very_many_bars_are_not_read_in_one_question(postgresql_url: str) -> None:
    database = Database(postgresql_url, clock=lambda _: NOON)
    asked: list[object] = []

    class Heard(Cursor[object]):
        def execute(self, *given: object, **options: object) -> Heard:
            asked.append(given)
            return super().execute(*given, **options)  # type: ignore[arg-type]

    first, last = (int(at.timestamp()) for at in (NOON, NOON + timedelta(days=30)))
    bars_of_each = {1: [NOON], 2: [], 3: [NOON, NOON + timedelta(days=30)], 4: [NOON]}
    with database.begin() as connection:
        for number, times in bars_of_each.items():
            if times:
                add_bars(connection, number, [bar(at, float(number)) for at in times], interval=Interval.M1)
        driver: Any = connection.connection.driver_connection
        driver.cursor_factory = Heard
        spans = [Span(number, Interval.M1, first, last) for number in bars_of_each]
        found = bars.stored(connection, spans)
    closes = [one.bars.close.tolist() for one in found]
    assert closes == [[1.0], [], [3.0, 3.0], [4.0]]
    # A month of minutes may have 43,200 bars, so that two are read at once.
    assert len(asked) == 2
    database.dispose()


def test_noise_of_the_last_bit_of_single_precision_is_no_change(database: Database, instruments: list[int]) -> None:
    came = _bars()
    _land(database, Landing(instruments[0], DAY, came))
    noisy = _raised(came, 3, by=1 + 2.0**-23)
    assert _land(database, Landing(instruments[0], DAY, noisy)) == 0


def test_a_settled_bar_that_differs_is_replaced_and_kept_as_a_version(
    database: Database, instruments: list[int]
) -> None:
    came = _bars()
    _land(database, Landing(instruments[0], DAY, came))
    assert _land(database, Landing(instruments[0], DAY, _raised(came, 3))) == 1
    stored, versions = _rows(database), _rows(database, "bar_versions")
    assert [row["revision"] for row in stored] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert stored[3]["close"] == pytest.approx(came.close[3] * 1.01)
    assert [(row["close"], row["landing_id"], row["replaced_by"]) for row in versions] == [(came.close[3], 1, 2)]
    assert stored[3]["landing_id"] == 2


def test_a_provisional_bar_is_written_over_without_a_version(database: Database, instruments: list[int]) -> None:
    came = _bars()
    marked = replace(came, provisional=np.arange(len(came)) == len(came) - 1)
    _land(database, Landing(instruments[0], DAY, marked))
    assert _land(database, Landing(instruments[0], DAY, _raised(came, -1))) == 1
    assert _rows(database)[-1]["revision"] == 0
    assert not _rows(database)[-1]["provisional"]
    assert _count(database, "bar_versions") == 0


def test_a_final_bar_is_not_replaced_by_a_provisional_one(database: Database, instruments: list[int]) -> None:
    came = _bars()
    _land(database, Landing(instruments[0], DAY, came))
    older_news = replace(_raised(came, -1), provisional=np.arange(len(came)) == len(came) - 1)
    assert _land(database, Landing(instruments[0], DAY, older_news)) == 0
    assert _rows(database)[-1]["close"] == came.close[-1]


def test_new_bars_between_stored_ones_are_added(database: Database, instruments: list[int]) -> None:
    came = _bars()
    _land(database, Landing(instruments[0], DAY, came.where(np.arange(10) % 2 == 0)))
    assert _land(database, Landing(instruments[0], DAY, came)) == 5
    assert len(_rows(database)) == 10


def test_a_volume_that_was_missing_is_filled_in(database: Database, instruments: list[int]) -> None:
    came = _bars(3)
    _land(database, Landing(instruments[0], DAY, replace(came, volume=np.full(3, NO_VOLUME))))
    assert _land(database, Landing(instruments[0], DAY, came)) == 3
    assert [row["volume"] for row in _rows(database)] == [1_000] * 3
    assert [row["volume"] for row in _rows(database, "bar_versions")] == [None] * 3


def test_a_bar_carries_the_splits_after_it(database: Database, instruments: list[int]) -> None:
    ex_day = FIRST + timedelta(days=5)
    split = {"kind": "split", "at": ex_day, "value": 4.0, "seen_at": NOON}
    with database.begin() as connection:
        connection.execute(insert(tables.corporate_actions).values(instrument_id=instruments[0], **split))
    came = _bars()
    _land(database, Landing(instruments[0], DAY, came))
    expected = [4.0 if at < ex_day.timestamp() else 1.0 for at in came.at.tolist()]
    assert [row["split_factor"] for row in _rows(database)] == expected


@pytest.mark.parametrize(("since_days", "moves"), [(None, True), (5, True), (15, False)])
def test_the_position_moves_unless_a_hole_would_be_left(
    database: Database, instruments: list[int], since_days: int | None, moves: bool
) -> None:
    _land(database, Landing(instruments[0], DAY, _bars(10)))
    later = _bars(3, FIRST + timedelta(days=15))
    since = None if since_days is None else FIRST + timedelta(days=since_days)
    _land(database, Landing(instruments[0], DAY, later, since))
    with database.read() as connection:
        at = connection.execute(select(tables.positions.c.newest_at)).scalar_one()
    newest = later.at[-1] if moves else _bars(10).at[-1]
    assert at == datetime.fromtimestamp(int(newest), UTC)


@pytest.mark.parametrize(
    ("days", "since_days", "moves"),
    [(400, 400, True), (400, 367, True), (400, 360, False), (30, 30, False), (400, None, False)],
    ids=["whole", "just", "hole", "recent", "apart"],
)
def test_a_window_makes_a_position_where_the_first_run_would_find_nothing_missing(
    database: Database, instruments: list[int], days: int, since_days: int | None, moves: bool
) -> None:
    came = _bars(days, NOON - timedelta(days=days))
    since = bars.APART if since_days is None else NOON - timedelta(days=since_days)
    _land(database, Landing(instruments[0], DAY, came, since))
    assert _count(database, "positions") == moves


def test_a_window_of_long_ago_makes_no_position(database: Database, instruments: list[int]) -> None:
    came = _bars(100, NOON - timedelta(days=500))
    _land(database, Landing(instruments[0], DAY, came, NOON - timedelta(days=500)))
    assert _count(database, "positions") == 0
