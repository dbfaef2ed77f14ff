"""Reading bars as columns, on both databases."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from sqlalchemy import text, update

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.errors import InvalidInput, NotFound, Unreachable
from stockjobs.services.market.frames import frame, frame_of_many
from stockjobs.services.market.reading import Reading
from stockjobs.services.market.shaping import SCHEMA
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import instruments
from stockjobs.store.market.former import Former
from tests.fixtures import market

OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
"""A Monday."""
DAY = timedelta(days=1)
BOTH = BarsQuery(("MSFT", "AAPL"))
APPLE = BarsQuery(("AAPL",))


@pytest.fixture
def reading(database: Database) -> Iterator[Reading]:
    """Four daily bars of two symbols: 100 to 103, 200 to 203."""
    with database.begin() as connection:
        for symbol, close in (("AAPL", 100.0), ("MSFT", 200.0)):
            number = market.add_instrument(connection, symbol)
            market.add_bars(connection, number, [market.bar(OPEN + n * DAY, close + n) for n in range(4)])
    found = Reading(database)
    yield found
    found.close()


def closes(bars: pa.Table) -> list[float]:
    return [round(close, 9) for close in bars["close"].to_pylist()]


def number_of(database: Database, symbol: str = "AAPL") -> int:
    with database.read() as connection:
        table = tables.symbols
        return int(connection.scalar(table.select().with_only_columns(table.c.instrument_id).filter_by(symbol=symbol)))  # type: ignore[arg-type]


def test_bars_come_by_symbol_as_asked_for_and_then_by_time(reading: Reading) -> None:
    found = reading.table(BOTH)
    assert found.schema == SCHEMA
    assert found["symbol"].to_pylist() == ["MSFT"] * 4 + ["AAPL"] * 4
    assert found["at"].to_pylist() == [OPEN + n * DAY for n in range(4)] * 2
    assert closes(found) == [200, 201, 202, 203, 100, 101, 102, 103]
    assert found["volume"].to_pylist() == [1_000] * 8


def test_a_stream_brings_the_same_as_the_table(reading: Reading) -> None:
    assert pa.Table.from_batches(reading.stream(BOTH)).equals(reading.table(BOTH).combine_chunks())


def test_a_window_is_start_included_and_end_excluded(reading: Reading) -> None:
    assert closes(reading.table(replace(APPLE, start=OPEN + DAY, end=OPEN + 3 * DAY))) == [101, 102]
    moment = timedelta(microseconds=1)
    assert closes(reading.table(replace(APPLE, start=OPEN + DAY + moment, end=OPEN + 3 * DAY + moment))) == [102, 103]


def test_an_unknown_symbol_is_told_and_none_at_all_is_refused(reading: Reading) -> None:
    with pytest.raises(NotFound, match="nothing is stored for 'NONE'"):
        reading.table(BarsQuery(("AAPL", "NONE")))
    with pytest.raises(InvalidInput, match="name at least one"):
        reading.table(BarsQuery(()))


def test_a_window_or_a_moment_that_cannot_be_is_refused(reading: Reading) -> None:
    with pytest.raises(InvalidInput, match=r"start: .* is after the end .* \(swap them\)"):
        reading.table(replace(APPLE, start=OPEN + DAY, end=OPEN))
    assert reading.table(replace(APPLE, start=OPEN, end=OPEN)).num_rows == 0
    with pytest.raises(InvalidInput, match=r"as_of: 2199-01-01.* is in the future"):
        reading.table(replace(APPLE, as_of=datetime(2199, 1, 1, tzinfo=UTC)))


def test_a_former_symbol_means_what_bore_it_last(reading: Reading, database: Database) -> None:
    with database.begin() as connection:
        instruments.unname(connection, "yahoo", "AAPL", OPEN)
        instruments.entitle(connection, "yahoo", "APPLE", number_of(database), OPEN)
    told: list[Former] = []
    found = reading.table(BarsQuery(("AAPL", "APPLE", "MSFT")), told.append)
    assert found["symbol"].to_pylist() == ["AAPL"] * 4 + ["APPLE"] * 4 + ["MSFT"] * 4
    assert closes(found)[:4] == closes(found)[4:8] == [100, 101, 102, 103]
    assert [str(one) for one in told] == ["AAPL was a name until 2026-01-05: it is APPLE now"]


def test_a_symbol_that_named_another_instrument_at_a_moment_says_what_became_of_that(
    reading: Reading, database: Database
) -> None:
    first, then, given = (OPEN + n * DAY for n in range(3))
    apple = number_of(database)
    with database.begin() as connection:
        connection.execute(tables.landings.insert().values(at=first, by="DAILY"))
        instruments.unname(connection, "yahoo", "AAPL", given)
        for symbol in ("AAPL", "LATE"):
            another = market.add_instrument(connection, f"{symbol}2")
            connection.execute(tables.symbols.delete().where(tables.symbols.c.instrument_id == another))
            instruments.entitle(connection, "yahoo", symbol, another, given)
    query = replace(BOTH, as_of=then)
    told = "no bars of AAPL were known at 2026-01-06 14:30:00Z: AAPL named another instrument until 2026-01-07 14:30:00Z, which "
    shown = " (`stockctl symbols AAPL` shows both)"
    assert reading.unknown_then(query, query.symbols) == [f"{told}has no name now{shown}"]
    with database.begin() as connection:
        instruments.entitle(connection, "yahoo", "APPLE", apple, given)
    late = "no bars of LATE were known at 2026-01-06 14:30:00Z: LATE is a name since 2026-01-07 14:30:00Z"
    assert reading.unknown_then(query, ("MSFT", "AAPL", "APPLE", "LATE")) == [f"{told}is APPLE now{shown}", late]
    absence = reading.absence(query, reading.known("yahoo", ["AAPL"])["AAPL"])
    assert absence.not_yet is not None
    assert str(absence.not_yet) in f"{told}is APPLE now{shown}"
    assert reading.unknown_then(replace(query, as_of=given), query.symbols) == []


def test_a_window_without_bars_is_empty_in_every_form(reading: Reading) -> None:
    for query in (replace(APPLE, interval=Interval.M1), replace(BOTH, end=OPEN)):
        found = reading.table(query)
        assert (found.schema, found.num_rows) == (SCHEMA, 0)
        assert list(reading.stream(query)) == []
        assert frame(found).empty
        assert frame_of_many(found, query.symbols).index.names == ["symbol", "at"]


def test_two_names_of_one_instrument_are_both_given(reading: Reading, database: Database) -> None:
    number = number_of(database)
    with database.begin() as connection:
        name = {"provider": "yahoo", "symbol": "APPLE", "valid_from": OPEN, "instrument_id": number}
        connection.execute(tables.symbols.insert().values(name))
    found = reading.table(BarsQuery(("AAPL", "MSFT", "APPLE")))
    assert found["symbol"].to_pylist() == ["AAPL"] * 4 + ["MSFT"] * 4 + ["APPLE"] * 4
    assert closes(found)[:4] == closes(found)[8:]


def test_only_symbols_with_such_bars_are_every_symbol(reading: Reading, database: Database) -> None:
    with database.begin() as connection:
        market.add_instrument(connection, "EMPTY")
    assert list(reading.every("yahoo", Interval.D1)) == ["AAPL", "MSFT"]
    assert not reading.every("yahoo", Interval.M1)


def test_a_volume_that_nobody_gave_is_null_and_nan_in_a_frame(reading: Reading, database: Database) -> None:
    with database.begin() as connection:
        connection.execute(update(tables.bars).where(tables.bars.c.at == OPEN).values(volume=None))
    found = reading.table(APPLE)
    assert found["volume"].to_pylist() == [None, 1_000, 1_000, 1_000]
    assert frame(found)["volume"].isna().tolist() == [True, False, False, False]


def test_a_frame_of_many_is_indexed_by_numbers_not_by_names(reading: Reading) -> None:
    found = frame_of_many(reading.table(BOTH), BOTH.symbols)
    assert found.index.is_unique
    assert [list(level) for level in found.index.levels] == [["MSFT", "AAPL"], [OPEN + n * DAY for n in range(4)]]
    assert found.loc[("AAPL", OPEN + DAY), "close"] == 101
    assert found.loc["MSFT"]["close"].tolist() == [200, 201, 202, 203]
    assert str(found.index.levels[1].dtype) == "datetime64[us, UTC]"
    assert found.dtypes.astype(str).to_dict() == {
        **dict.fromkeys(("open", "high", "low", "close"), "float64"),
        "volume": "int64",
        "provisional": "bool",
    }


def test_as_traded_takes_later_splits_out_of_prices_and_volumes(reading: Reading, database: Database) -> None:
    with database.begin() as connection:
        split = update(tables.bars).where(tables.bars.c.at < OPEN + 2 * DAY, tables.bars.c.close < 200)
        connection.execute(split.values(split_factor=4.0))
    found = reading.table(replace(APPLE, adjusted=Adjusted.NONE))
    assert closes(found) == [400, 404, 102, 103]
    assert found["volume"].to_pylist() == [250, 250, 1_000, 1_000]
    assert closes(reading.table(APPLE)) == [100, 101, 102, 103]


def test_prices_before_an_ex_day_lack_what_was_paid_out(reading: Reading, database: Database) -> None:
    number = number_of(database)
    with database.begin() as connection:
        market.add_action(connection, number, "dividend", OPEN + 2 * DAY, 1.01)
        market.add_action(connection, number, "capital_gain", OPEN + 3 * DAY, 10.2)
        market.add_action(connection, number, "split", OPEN + 3 * DAY, 2.0)
        before = update(tables.bars).where(tables.bars.c.instrument_id == number, tables.bars.c.at < OPEN + 3 * DAY)
        connection.execute(before.values(split_factor=2.0))
        connection.execute(update(tables.corporate_actions).filter_by(kind="dividend").values(split_factor=2.0))
    found = reading.table(replace(BOTH, adjusted=Adjusted.ALL))
    first, second = 1 - 1.01 / 101, 1 - 10.2 / 102
    expected = [200, 201, 202, 203, 100 * first * second, 101 * first * second, 102 * second, 103]
    assert closes(found) == pytest.approx(expected)
    # A window does not change what was paid after it.
    assert closes(reading.table(replace(APPLE, adjusted=Adjusted.ALL, end=OPEN + DAY))) == pytest.approx(
        [100 * first * second]
    )


def test_bars_of_minutes_are_adjusted_by_the_closes_of_days(reading: Reading, database: Database) -> None:
    number = number_of(database)
    minutes = [OPEN + DAY + timedelta(hours=6), OPEN + 2 * DAY]
    with database.begin() as connection:
        market.add_bars(connection, number, [market.bar(at, 50.0) for at in minutes], interval=Interval.M1)
        market.add_action(connection, number, "dividend", OPEN + 2 * DAY, 1.01)
    found = reading.table(replace(APPLE, interval=Interval.M1, adjusted=Adjusted.ALL))
    assert closes(found) == pytest.approx([50 * (1 - 1.01 / 101), 50])


def test_what_was_paid_counts_in_whichever_shares_it_and_the_close_before_it_are(
    reading: Reading, database: Database
) -> None:
    """A source applies a split to one interval after the other, and what it paid is kept as one of them tells it."""
    number = number_of(database)
    ex_day, adjusted = OPEN + 2 * DAY, replace(APPLE, adjusted=Adjusted.ALL, end=OPEN + 2 * DAY)
    with database.begin() as connection:
        market.add_action(connection, number, "dividend", ex_day, 0.2525, split_factor=4.0)
    assert closes(reading.table(adjusted)) == pytest.approx([99, 99.99])
    with database.begin() as connection:
        market.add_action(connection, number, "split", ex_day, 4.0)
    # The dividend is one of four shares for each of the day before.
    assert closes(reading.table(adjusted)) == pytest.approx([100 * (1 - 4.04 / 101), 101 - 4.04])
    with database.begin() as connection:
        split = update(tables.bars).where(tables.bars.c.instrument_id == number, tables.bars.c.at < ex_day)
        connection.execute(split.values(split_factor=4.0, close=tables.bars.c.close / 4))
        connection.execute(update(tables.corporate_actions).values(split_factor=1.0))
    assert closes(reading.table(adjusted)) == pytest.approx([25 * (1 - 0.2525 / 25.25), 25.25 - 0.2525])


def test_a_week_s_payout_counts_by_the_close_of_the_week_before_where_there_are_no_days(
    reading: Reading, database: Database
) -> None:
    monday = datetime(2026, 1, 5, 5, tzinfo=UTC)
    with database.begin() as connection:
        number = market.add_instrument(connection, "WEEKS")
        weeks = [market.bar(monday + n * 7 * DAY, 100.0 + n) for n in range(3)]
        market.add_bars(connection, number, weeks, interval=Interval.W1)
        market.add_action(connection, number, "dividend", OPEN + 9 * DAY, 1.0)
        # Of a month of which no bar is stored before it, nothing is known.
        market.add_action(connection, number, "dividend", OPEN + 1 * DAY, 1.0)
    found = reading.table(BarsQuery(("WEEKS",), Interval.W1, adjusted=Adjusted.ALL))
    assert closes(found) == pytest.approx([100 * (1 - 1 / 100), 101, 102])


def test_a_daily_close_of_years_ago_gives_way_to_the_hour_before_the_payout(
    reading: Reading, database: Database
) -> None:
    number, eve = number_of(database), datetime(2026, 3, 10, 19, 30, tzinfo=UTC)
    with database.begin() as connection:
        market.add_bars(connection, number, [market.bar(eve, 50.0)], interval=Interval.H1)
        market.add_action(connection, number, "dividend", eve + timedelta(hours=18), 1.0)
    assert closes(reading.table(replace(APPLE, interval=Interval.H1, adjusted=Adjusted.ALL))) == pytest.approx([49])


def test_the_bar_of_an_ex_day_is_without_the_payout_wherever_it_and_the_event_stand(
    reading: Reading, database: Database
) -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    midnights = [datetime(2026, 1, 5 + n, tzinfo=zone) for n in range(3)]
    cases = {
        f"{event[:2]}AT{shift}".replace("-", "M"): (event, timedelta(hours=shift))
        for event in ("00:00", "09:30", "16:00")
        # An hour before midnight, at it, at that of UTC, and at the open.
        for shift in (-1, 0, -3, 10)
    }
    with database.begin() as connection:
        for symbol, (event, shift) in cases.items():
            number = market.add_instrument(connection, symbol, zone=zone.key)
            bars = [market.bar((one + shift).astimezone(UTC), 100.0) for one in midnights]
            market.add_bars(connection, number, bars)
            at = datetime.combine(midnights[1], time.fromisoformat(event), zone).astimezone(UTC)
            market.add_action(connection, number, "dividend", at, 1.0)
    found = reading.table(BarsQuery(tuple(cases), adjusted=Adjusted.ALL))
    by_symbol = dict(zip(cases, zip(*[iter(closes(found))] * 3, strict=True), strict=True))
    assert by_symbol == dict.fromkeys(cases, (99, 100, 100))


@pytest.fixture
def history(reading: Reading, database: Database) -> dict[str, datetime]:
    """Three landings: two more bars; a dividend, and all prices restated to a half; one bar corrected. Gives their times."""
    number, at = number_of(database), {}
    with database.begin() as connection:
        for hour, name in enumerate(("more", "halved", "corrected")):
            at[name] = datetime(2026, 2, 1, hour, tzinfo=UTC)
        more = market.land_at(connection, at["more"])
        bars = [market.bar(OPEN + 4 * DAY, 104.0), market.bar(OPEN + 5 * DAY, 105.0, provisional=True)]
        market.add_bars(connection, number, bars, landing=more)
        halved = market.land_at(connection, at["halved"])
        market.restate(connection, number, halved, 0.5)
        market.add_action(connection, number, "dividend", OPEN + 2 * DAY, 5.05, landing=halved)
        corrected = market.land_at(connection, at["corrected"])
        market.restate(connection, number, corrected, 2.0)
    return at


def test_bars_are_as_they_were_known_at_any_moment(reading: Reading, history: dict[str, datetime]) -> None:
    minute = timedelta(minutes=1)

    def as_of(at: datetime, query: BarsQuery = APPLE) -> list[float]:
        found = reading.table(replace(query, as_of=at))
        assert pa.Table.from_batches(reading.stream(replace(query, as_of=at)), SCHEMA).equals(found.combine_chunks())
        return closes(found)

    assert as_of(history["more"] - minute) == [100, 101, 102, 103]
    assert as_of(history["more"]) == [100, 101, 102, 103, 104, 105]
    assert as_of(history["halved"] - minute) == [100, 101, 102, 103, 104, 105]
    assert as_of(history["halved"]) == [50, 50.5, 51, 51.5, 52, 52.5]
    assert as_of(history["corrected"]) == closes(reading.table(APPLE)) == [100, 101, 102, 103, 104, 105]
    window = replace(APPLE, start=OPEN + DAY, end=OPEN + 2 * DAY)
    assert as_of(history["halved"], window) == [50.5]


def test_what_was_paid_out_counts_since_it_was_known(reading: Reading, history: dict[str, datetime]) -> None:
    adjusted = replace(APPLE, adjusted=Adjusted.ALL, end=OPEN + 2 * DAY)
    assert closes(reading.table(replace(adjusted, as_of=history["more"]))) == [100, 101]
    assert closes(reading.table(replace(adjusted, as_of=history["halved"]))) == pytest.approx([45, 45.45])
    assert closes(reading.table(adjusted)) == pytest.approx([95, 95.95])


def test_a_read_sees_one_state_of_the_data(reading: Reading, database: Database) -> None:
    stream = reading.stream(BOTH)
    first = next(stream)
    with database.begin() as connection:
        connection.execute(update(tables.bars).values(close=1.0))
    rest = pa.Table.from_batches([first, *stream])
    assert closes(rest) == [200, 201, 202, 203, 100, 101, 102, 103]
    assert closes(reading.table(APPLE)) == [1, 1, 1, 1]


def test_a_stream_that_is_given_up_disturbs_no_later_one(reading: Reading) -> None:
    stream = reading.stream(BOTH)
    next(stream)
    stream.close()
    assert closes(reading.table(APPLE)) == [100, 101, 102, 103]


def test_threads_read_at_the_same_time(reading: Reading) -> None:
    found: list[list[float]] = []
    threads = [threading.Thread(target=lambda: found.append(closes(reading.table(APPLE)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[100, 101, 102, 103]] * 4


def _read_in_child(reading: Reading, found: multiprocessing.Queue[list[float]]) -> None:
    found.put(closes(reading.table(APPLE)))
    reading.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_reads_on_a_connection_of_its_own(reading: Reading) -> None:
    assert closes(reading.table(APPLE)) == [100, 101, 102, 103]
    fork = multiprocessing.get_context("fork")
    found: multiprocessing.Queue[list[float]] = fork.Queue()
    child = fork.Process(target=_read_in_child, args=(reading, found))
    child.start()
    assert found.get(timeout=60) == [100, 101, 102, 103]
    child.join()
    assert child.exitcode == 0
    assert closes(reading.table(BOTH))[4:] == [100, 101, 102, 103]


def test_connections_that_the_server_ended_are_replaced(reading: Reading, database: Database) -> None:
    reading.table(APPLE)
    if database.is_postgresql:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        with database.begin() as connection:
            connection.execute(text(f"{others} AND datname = current_database()"))
    else:
        [source] = reading._columns._idle
        source._process.kill()  # type: ignore[attr-defined]
    assert closes(reading.table(APPLE)) == [100, 101, 102, 103]


def test_a_table_that_is_not_there_is_told_without_a_password(reading: Reading, database: Database) -> None:
    told = pytest.raises(Unreachable, match=r"^database (sqlite|postgresql)[^@]*(:\*\*\*@)?.*nothing")
    with told, reading._columns.snapshot() as snapshot:
        list(snapshot.batches("SELECT * FROM nothing"))
