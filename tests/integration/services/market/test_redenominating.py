"""A source that goes over to another currency or unit: nothing of it is stored until somebody accepts it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from stockjobs.domain.events import EventName
from stockjobs.domain.market.bars import Bars, CorporateAction
from stockjobs.domain.market.findings import FindingFilter, FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.domain.work.filters import EventFilter
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Conflict, InvalidInput, NotFound
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.services.market.reading import Reading
from stockjobs.services.market.redenominating import Redenomination
from stockjobs.services.market.symbols import Renaming, Symbols
from stockjobs.store.database import Database
from stockjobs.store.ledger import events
from stockjobs.store.market import bars, findings, instruments, reading
from stockjobs.store.market.findings import Finding
from tests.fixtures.database import NOON
from tests.fixtures.house import House
from tests.fixtures.market import add_instrument
from tests.fixtures.redis import eventually
from tests.fixtures.world import Venue, WorldProvider
from tests.integration.services.market.test_deciding import waits

pytestmark = pytest.mark.integration

VENUES = {
    "VOD.L": Venue("LSE", "Europe/London", (("08:00", "16:30"),), currency="GBP", unit=0.01),
    "EKTA.ST": Venue("STO", "Europe/Stockholm", (("09:00", "17:30"),), currency="SEK"),
}
EX_DAY = datetime(2026, 2, 18, 8, tzinfo=UTC)


@pytest.fixture
def world(house: House) -> WorldProvider:
    """A share in pence with a dividend, and one in kronor, collected for the first time."""
    house.provider = WorldProvider(venues=VENUES, actions={"VOD.L": (CorporateAction("dividend", EX_DAY, 2.0),)})
    house.define(symbols=list(VENUES), window={"period": "1mo"}, retry={"maxRetries": 0})
    run(house)
    return house.provider


def run(house: House) -> None:
    """The next night's run."""
    house.clock.advance(timedelta(days=1))
    house.trigger()
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)


def stored(house: House, symbol: str = "VOD.L") -> Bars:
    with house.database.read() as connection:
        instrument = instruments.by_symbol(connection, "yahoo", [symbol])[symbol]
        return reading.read(connection, instrument.id, Interval.D1, None, None)


def found(house: House, *states: FindingState) -> Sequence[Any]:
    return Quarantine(house.database).listed(FindingFilter(states=states))


def in_pounds(world: WorldProvider, times: float = 0.01) -> None:
    """Let the source say pounds from now on, at so many times the prices."""
    world.said["VOD.L"], world.times["VOD.L"] = {"unit": 1.0}, times
    world.actions = {"VOD.L": (CorporateAction("dividend", EX_DAY, 2.0 * times),)}


def accept(house: House, symbol: str = "VOD.L", *more: str | None) -> Any:
    return Symbols(house.database).redenominate(Redenomination("yahoo", symbol, *more), by="ann")


def test_pence_that_became_pounds_are_set_aside_until_somebody_accepts_them(house: House, world: WorldProvider) -> None:
    before = stored(house)
    in_pounds(world)
    run(house)
    run(house)
    assert np.array_equal(stored(house).close, before.close)
    [finding] = [one for one in found(house) if one.symbol == "VOD.L"]
    assert finding.reason == "prices came in GBP in units of 1, and are kept in GBP in units of 0.01"
    with pytest.raises(Conflict, match=r"`stockctl symbols redenominate VOD\.L` goes on in it"):
        Quarantine(house.database).release([str(finding.id)], by="ann")


def test_accepted_pounds_convert_all_that_is_stored_and_go_on_as_if_nothing_had_been(
    house: House, world: WorldProvider
) -> None:
    before, adjusted = stored(house), closes(house, Adjusted.ALL)
    in_pounds(world)
    run(house)
    done = accept(house)
    assert (done.was, done.now, done.bars, done.former) == ("0.01 GBP", "GBP", len(before), None)
    assert found(house, FindingState.OPEN) == []
    run(house)
    after = stored(house)
    assert len(after) == len(before) + 1
    assert after.close[: len(before)] == pytest.approx(before.close * 0.01)
    assert closes(house, Adjusted.ALL)[: len(before)] == pytest.approx([one * 0.01 for one in adjusted])
    assert {one.kind.value for one in found(house)} == {"identity"}
    with house.database.read() as connection:
        [event] = events.latest(connection, 10, EventFilter(names=(EventName.INSTRUMENT_CHANGED,)))
    assert (event.data["by"], event.data["reason"]) == ("ann", "its prices are in GBP now, and were in 0.01 GBP")


def closes(house: House, adjusted: Adjusted) -> list[float]:
    reader = Reading(house.database)
    prices: list[float] = reader.table(BarsQuery(("VOD.L",), adjusted=adjusted))["close"].to_pylist()
    reader.close()
    return prices


def test_a_label_that_was_wrong_and_was_accepted_lands_nothing_a_hundred_times_too_high(
    house: House, world: WorldProvider
) -> None:
    before = stored(house)
    in_pounds(world, times=1.0)
    run(house)
    accept(house)
    run(house)
    assert stored(house).close.max() < 2
    # The source says pence again: that is accepted in the same way.
    world.said.clear()
    run(house)
    assert accept(house).now == "0.01 GBP"
    run(house)
    assert stored(house).close[: len(before)] == pytest.approx(before.close)
    assert stored(house).close.min() > 90


def test_prices_in_pounds_that_are_still_called_pence_are_set_aside_bar_by_bar(
    house: House, world: WorldProvider
) -> None:
    before = stored(house)
    world.times["VOD.L"] = 0.01
    run(house)
    assert np.array_equal(stored(house).close, before.close)
    held = found(house, FindingState.OPEN)
    assert {one.rule for one in held} == {"unit-jump"}
    # The label follows: what is stored is converted, what is aside came in pounds.
    in_pounds(world)
    run(house)
    accept(house)
    newest = max(held, key=lambda one: one.at)
    Quarantine(house.database).release([str(newest.id)], by="ann")
    assert stored(house).close[-1] == pytest.approx(newest.evidence["close"])
    assert 0.9 < stored(house).close.min() < stored(house).close.max() < 1.1


def test_another_currency_begins_a_new_series_under_the_symbol_and_leaves_the_former_one_as_it_is(
    house: House, world: WorldProvider
) -> None:
    before = stored(house, "EKTA.ST")
    world.said["EKTA.ST"], world.times["EKTA.ST"] = {"currency": "EUR"}, 0.09
    run(house)
    done = accept(house, "EKTA.ST", None, "EKTA.ST-SEK")
    assert (done.was, done.now, done.bars) == ("SEK", "EUR", 0)
    run(house)
    assert np.array_equal(stored(house, "EKTA.ST-SEK").close, before.close)
    assert 8 < stored(house, "EKTA.ST").close.min() < 10
    run(house)
    assert [one for one in found(house, FindingState.OPEN) if one.symbol == "EKTA.ST"] == []
    former, _, successor = sorted(
        (one.name.instrument.id, one.name.symbol, one.name.instrument.currency)
        for one in Symbols(house.database).names(["EKTA.ST"])
    )
    assert former[0] == done.former
    assert successor[2] == "EUR"


def in_currency(house: House, world: WorldProvider, currency: str, unit: float, times: float) -> None:
    """Let the source tell the share in kronor in another currency or unit, at so many times the prices, for a night."""
    world.said["EKTA.ST"], world.times["EKTA.ST"] = {"currency": currency, "unit": unit}, times
    run(house)


def test_a_currency_accepted_by_mistake_is_taken_back_and_the_former_series_goes_on(
    house: House, world: WorldProvider
) -> None:
    before = stored(house, "EKTA.ST")
    in_currency(house, world, "EUR", 1.0, 0.09)
    mistake = accept(house, "EKTA.ST", None, "EKTA.ST-SEK")
    run(house)
    in_currency(house, world, "SEK", 1.0, 1.0)
    back = accept(house, "EKTA.ST", None, "EKTA.ST-EUR")
    assert (back.was, back.now, back.bars, back.is_return) == ("EUR", "SEK", 0, True)
    assert back.former != mistake.former
    run(house)
    after = stored(house, "EKTA.ST")
    assert np.array_equal(after.close[: len(before)], before.close)
    # The nights between came in another currency, and come in this one now.
    assert len(after) == len(before) + 2
    assert current_names(house) == {"EKTA.ST": (mistake.former, "SEK"), "EKTA.ST-EUR": (back.former, "EUR")}
    # Again in euros, and in cents of them: the second series is named again, and converted.
    euros = stored(house, "EKTA.ST-EUR").close
    in_currency(house, world, "EUR", 0.01, 9.0)
    again = accept(house, "EKTA.ST")
    assert (again.was, again.now, again.bars, again.former) == ("SEK", "0.01 EUR", len(euros), mistake.former)
    run(house)
    assert stored(house, "EKTA.ST").close[: len(euros)] == pytest.approx(euros * 100)
    assert current_names(house) == {"EKTA.ST": (back.former, "EUR")}
    assert found(house, FindingState.OPEN) == []


def current_names(house: House) -> dict[str, tuple[int, str]]:
    """The instruments of the share in kronor that have a name now, with their currencies."""
    names = [one.name for one in Symbols(house.database).names(["EKTA.ST"]) if one.name.valid_to is None]
    return {one.symbol: (one.instrument.id, one.instrument.currency) for one in names}


def test_a_series_that_was_left_before_a_renaming_is_named_again_under_the_new_symbol(
    house: House, world: WorldProvider
) -> None:
    before = stored(house, "EKTA.ST")
    in_currency(house, world, "EUR", 1.0, 0.09)
    was = accept(house, "EKTA.ST").former
    house.clock.advance(timedelta(hours=1))
    Symbols(house.database).rename(Renaming("yahoo", "EKTA.ST", "EKT.ST"), by="ann")
    told = Finding(
        FindingKind.IDENTITY, "EKT.ST", "other", named(house, "EKT.ST"), evidence={"currency": "SEK", "unit": 1.0}
    )
    with house.database.begin() as connection:
        findings.land(connection, [told], house.clock.now)
    house.clock.advance(timedelta(hours=1))
    back = accept(house, "EKT.ST")
    assert (back.now, back.is_return) == ("SEK", True)
    assert named(house, "EKT.ST") == was
    assert np.array_equal(stored(house, "EKT.ST").close, before.close)


def named(house: House, symbol: str) -> int:
    with house.database.read() as connection:
        return instruments.by_symbol(connection, "yahoo", [symbol])[symbol].id


def test_a_former_bearer_that_was_another_company_is_not_named_again(house: House, world: WorldProvider) -> None:
    world.said["EKTA.ST"] = {"first_trade_at": house.clock.now, "currency": "EUR"}
    run(house)
    [was] = [one.name.instrument.id for one in Symbols(house.database).names(["EKTA.ST"]) if one.name.valid_to]
    in_currency(house, world, "SEK", 1.0, 10.0)
    done = accept(house, "EKTA.ST")
    assert (done.now, done.is_return) == ("SEK", False)
    assert was not in {one for one, _ in current_names(house).values()}


def test_a_symbol_that_names_another_instrument_by_the_time_is_waited_for_once_more(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    with database.begin() as connection:
        first, second = (add_instrument(connection, symbol) for symbol in ("AAPL", "NEXT"))
        for number in (first, second):
            told = Finding(FindingKind.IDENTITY, "AAPL", "other", number, evidence={"currency": "USD", "unit": 0.01})
            findings.land(connection, [told], NOON)
    with ThreadPoolExecutor(1) as threads, database.begin() as landing:
        bars.lock(landing, [second])
        with database.begin() as reassigning:
            bars.lock(reassigning, [first])
            accepting = threads.submit(Symbols(database).redenominate, Redenomination("yahoo", "AAPL"), by="ann")
            eventually(lambda: waits(database))
            instruments.unname(reassigning, "yahoo", "AAPL", NOON)
            instruments.entitle(reassigning, "yahoo", "AAPL", second, NOON)
        eventually(lambda: waits(database) or accepting.done())
        assert not accepting.done()
        landing.commit()
        assert accepting.result(30).now == "0.01 USD"
    database.dispose()


def test_what_cannot_be_accepted_changes_nothing(house: House, world: WorldProvider) -> None:
    with pytest.raises(NotFound, match="'NONE' names nothing at yahoo"):
        accept(house, "NONE")
    # As findings about figures were kept until they named no currency any more.
    figures = Finding(
        FindingKind.IDENTITY,
        "VOD.L",
        "other",
        named(house, "VOD.L"),
        evidence={"facts": 3, "currency": "EUR", "unit": 1.0},
    )
    with house.database.begin() as connection:
        findings.land(connection, [figures], house.clock.now)
    with pytest.raises(Conflict, match="no finding says that its source tells another currency or unit"):
        accept(house)
    in_pounds(world)
    run(house)
    with pytest.raises(Conflict, match="its source tells GBP, not EUR"):
        accept(house, "VOD.L", "EUR")
    with pytest.raises(InvalidInput, match="stays one series"):
        accept(house, "VOD.L", "GBP", "VOD-OLD")
    world.said["VOD.L"] = {"currency": "EUR", "unit": 1.0}
    run(house)
    with pytest.raises(Conflict, match="its source tells EUR and GBP: name the one"):
        accept(house)
    world.said["EKTA.ST"] = {"currency": "EUR"}
    run(house)
    with pytest.raises(Conflict, match=r"VOD\.L names instrument"):
        accept(house, "EKTA.ST", None, "VOD.L")
    assert {one.name.instrument.currency for one in Symbols(house.database).names()} == {"GBP", "SEK"}
    assert stored(house).close.min() > 90
