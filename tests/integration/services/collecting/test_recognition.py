"""Instruments behind symbols: they change, symbols go to others, and people rename them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from stockjobs.domain.events import EventName
from stockjobs.domain.market.bars import BarsReply, BarsRequest
from stockjobs.domain.market.findings import FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.symbol_health import Health
from stockjobs.domain.work.filters import EventFilter
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Conflict, InvalidInput, NotFound, SymbolUnknown
from stockjobs.providers.base import Patience
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.services.market.symbols import Renaming, Symbols
from stockjobs.store.ledger import events
from stockjobs.store.market import instruments, reading
from stockjobs.store.tables import findings as findings_table
from tests.fixtures.house import House, ScriptedProvider, day

pytestmark = pytest.mark.integration

BORN = day("1999-05-07")


@dataclass
class Listed(ScriptedProvider):
    """Says of its symbols what the test tells it to."""

    said: dict[str, Any] = field(default_factory=lambda: {"first_trade_at": BORN})

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        reply = super().bars(request, now=now, patience=patience)
        assert reply.identity is not None
        first = self.said.get("first_trade_at")
        came = reply.bars.where(reply.bars.at >= first.timestamp()) if first else reply.bars
        return replace(reply, identity=replace(reply.identity, **self.said), bars=came)


@pytest.fixture
def listed(house: House) -> Listed:
    house.provider = Listed()
    house.define(symbols=["ABC"], retry={"maxRetries": 0})
    return house.provider


def run(house: House) -> list[str]:
    house.trigger()
    house.dispatch.tick()
    return [outcome.verdict.value for lane in Lane for outcome in house.work(lane)]


def names(house: House) -> list[tuple[str, int, bool]]:
    """Each name with its instrument, and whether it is in force."""
    with house.database.read() as connection:
        return [(one.symbol, one.instrument.id, one.valid_to is None) for one in instruments.names(connection)]


def told(house: House, name: EventName) -> list[dict[str, Any]]:
    with house.database.read() as connection:
        return [event.data for event in events.latest(connection, 100, EventFilter(names=(name,)))]


def count(house: House, instrument: int) -> int:
    with house.database.read() as connection:
        return len(reading.read(connection, instrument, Interval.D1, None, None))


def test_a_move_to_another_exchange_changes_the_instrument_and_is_noted_once(house: House, listed: Listed) -> None:
    run(house)
    listed.said |= {"exchange": "NYQ", "name": "Abc Holdings"}
    for _ in range(2):
        house.clock.advance(timedelta(days=1))
        run(house)
    ((_, instrument, _),) = names(house)
    (event,) = told(house, EventName.INSTRUMENT_CHANGED)
    assert (event["instrument"], event["reason"]) == (instrument, "exchange NMS is NYQ now")
    with house.database.read() as connection:
        (known,) = instruments.by_symbol(connection, "yahoo", ["ABC"]).values()
        found = connection.execute(findings_table.select()).mappings().all()
    assert (known.exchange, known.name, known.first_trade_at) == ("NYQ", "Abc Holdings", BORN)
    assert [(one["kind"], one["state"]) for one in found] == [("identity", "noted")]


def test_a_symbol_that_went_to_another_instrument_leaves_the_former_s_data_alone(house: House, listed: Listed) -> None:
    run(house)
    ((_, former, _),) = names(house)
    kept = count(house, former)
    house.clock.advance(timedelta(days=90))
    listed.said = {"first_trade_at": house.clock.now - timedelta(days=10), "currency": "CAD"}
    assert run(house) == ["completed"]
    assert [(symbol, is_current) for symbol, _, is_current in names(house)] == [("ABC", False), ("ABC", True)]
    successor = names(house)[1][1]
    assert successor != former
    assert (count(house, former), count(house, successor)) == (kept, 10)
    (event,) = told(house, EventName.SYMBOL_REASSIGNED)
    assert (event["former"], event["instrument"]) == (former, successor)
    house.clock.advance(timedelta(days=1))
    run(house)
    assert len(names(house)) == 2
    assert count(house, successor) == 11


def test_other_units_are_set_aside_as_before(house: House, listed: Listed) -> None:
    run(house)
    before = count(house, 1)
    listed.said["unit"] = 0.01
    house.clock.advance(timedelta(days=1))
    run(house)
    assert count(house, 1) == before
    with house.database.read() as connection:
        (found,) = connection.execute(findings_table.select()).mappings().all()
    assert "USD in units of 0.01" in found["reason"]


def test_other_units_are_one_finding_until_they_are_over(house: House, listed: Listed) -> None:
    run(house)
    listed.said["unit"] = 0.01
    for _ in range(2):
        house.clock.advance(timedelta(days=1))
        run(house)
    quarantine = Quarantine(house.database)
    (found,) = quarantine.listed()
    assert found.state is FindingState.OPEN
    with pytest.raises(Conflict, match="nothing that came in another currency or unit was kept"):
        quarantine.release([str(found.id)], by="ann")
    listed.said["unit"] = 1.0
    house.clock.advance(timedelta(days=1))
    run(house)
    assert [one.state for one in quarantine.listed()] == [FindingState.MENDED]
    listed.said["unit"] = 0.01
    house.clock.advance(timedelta(days=1))
    run(house)
    assert [one.state for one in quarantine.listed()] == [FindingState.OPEN]


def test_a_renamed_instrument_is_asked_for_by_its_new_symbol_and_keeps_its_data(house: House, listed: Listed) -> None:
    run(house)
    symbols = Symbols(house.database)
    ((_, instrument, _),) = names(house)
    before = count(house, instrument)
    house.clock.advance(timedelta(days=1))
    assert symbols.rename(Renaming("yahoo", "abc", "xyz"), by="ann")[0].name == "DAILY"
    listed.asked.clear()
    house.clock.advance(timedelta(days=1))
    assert run(house) == ["completed"]
    assert {request.symbol for request in listed.asked} == {"XYZ"}
    assert names(house) == [("ABC", instrument, False), ("XYZ", instrument, True)]
    assert count(house, instrument) == before + 2
    (event,) = told(house, EventName.SYMBOL_RENAMED)
    assert (event["symbol"], event["successor"], event["by"]) == ("ABC", "XYZ", "ann")
    old, new = symbols.names(["XYZ"])
    assert (old.standing.state, old.standing.successor) == (Health.RENAMED, "XYZ")
    assert new.standing.is_clean
    assert old.name.uid == new.name.uid


def test_a_job_that_names_both_asks_once(house: House, listed: Listed) -> None:
    run(house)
    house.clock.advance(timedelta(days=1))
    Symbols(house.database).rename(Renaming("yahoo", "ABC", "XYZ"), by="ann")
    house.define("BOTH", symbols=["ABC", "XYZ"], retry={"maxRetries": 0})
    listed.asked.clear()
    house.trigger("BOTH")
    house.dispatch.tick()
    assert [outcome.verdict.value for lane in Lane for outcome in house.work(lane)] == ["completed"]
    assert [request.symbol for request in listed.asked] == ["XYZ"]


@pytest.mark.parametrize(
    ("wish", "error", "said"),
    [
        (Renaming("yahoo", "NONE", "XYZ"), NotFound, "'NONE' names nothing at yahoo"),
        (Renaming("yahoo", "ABC", "ABC"), InvalidInput, "is ABC as before"),
        (Renaming("yahoo", "ABC", "MSFT"), Conflict, "MSFT names instrument"),
        (Renaming("yahoo", "ABC", "../x"), InvalidInput, "is a path"),
        (Renaming("yahoo", "ABC", "XYZ", day("2020-01-01")), InvalidInput, "leave --at away"),
        (Renaming("yahoo", "ABC", "XYZ", day("2030-01-01")), InvalidInput, "in the future"),
    ],
)
def test_a_renaming_that_cannot_be_changes_nothing(
    house: House, listed: Listed, wish: Renaming, error: type[Exception], said: str
) -> None:
    house.define(symbols=["ABC", "MSFT"], retry={"maxRetries": 0})
    run(house)
    house.clock.advance(timedelta(days=1))
    with pytest.raises(error, match=said):
        Symbols(house.database).rename(wish, by="ann")
    assert [is_current for _, _, is_current in names(house)] == [True, True]


def test_a_renaming_to_what_somebody_was_given_meanwhile_leaves_nobody_without_a_name(
    house: House, listed: Listed
) -> None:
    run(house)
    house.clock.advance(timedelta(days=1))
    symbols = Symbols(house.database)
    symbols.rename(Renaming("yahoo", "ABC", "XYZ"), by="ann")
    symbols.rename(Renaming("yahoo", "XYZ", "MID"), by="ann")
    before = names(house)
    with pytest.raises(Conflict, match="XYZ was given to an instrument at this moment"):
        symbols.rename(Renaming("yahoo", "MID", "XYZ"), by="ann")
    assert names(house) == before


def test_an_instrument_that_is_renamed_twice_is_asked_for_by_its_last_symbol_and_may_be_named_back(
    house: House, listed: Listed
) -> None:
    run(house)
    symbols = Symbols(house.database)
    for old, new, asked in (("ABC", "MID", "MID"), ("MID", "XYZ", "XYZ"), ("XYZ", "ABC", "ABC")):
        house.clock.advance(timedelta(days=1))
        symbols.rename(Renaming("yahoo", old, new), by="ann")
        listed.asked.clear()
        house.clock.advance(timedelta(hours=12))
        assert run(house) == ["completed"]
        assert {request.symbol for request in listed.asked} == {asked}
    assert len({instrument for _, instrument, _ in names(house)}) == 1


def test_an_unknown_successor_is_what_becomes_suspect(house: House, listed: Listed) -> None:
    house.define(symbols=["ABC", "MSFT"], retry={"maxRetries": 0})
    run(house)
    house.clock.advance(timedelta(days=1))
    Symbols(house.database).rename(Renaming("yahoo", "ABC", "XYZ"), by="ann")
    for _ in range(3):
        house.clock.advance(timedelta(days=1))
        listed.errors = {"XYZ": [SymbolUnknown("no")]}
        run(house)
    states = {one.name.symbol: one.standing.state for one in Symbols(house.database).names(["XYZ"])}
    assert states == {"ABC": Health.RENAMED, "XYZ": Health.SUSPECT}
