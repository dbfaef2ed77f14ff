"""Quarantine on real databases: bad bars are set aside once, released, rejected, or mended by the source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest, CorporateAction
from stockjobs.domain.market.findings import FindingFilter, FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Conflict, NotFound
from stockjobs.providers.base import Patience
from stockjobs.services.market.quarantine import Decided, Quarantine
from stockjobs.store.ledger import events
from stockjobs.store.market.quarantine import StoredFinding
from tests.fixtures.house import House, ScriptedProvider, day

Spoil = Callable[[Bars], Bars]
BAD_DAY = day("2026-02-10")
WINDOW = {"start": "2026-02-02", "end": "2026-02-14"}


def as_served(bars: Bars) -> Bars:
    return bars


@dataclass
class SpoiledProvider(ScriptedProvider):
    """Serves what the scripted one does, after the test has spoiled it."""

    spoil: Spoil = as_served
    actions: tuple[CorporateAction, ...] = field(default_factory=tuple)

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        reply = super().bars(request, now=now, patience=patience)
        return replace(reply, bars=self.spoil(reply.bars), actions=self.actions)


def changed(bars: Bars, at: datetime, **values: float) -> Bars:
    """The bars with other values in the one that opens at a time."""
    place = bars.at == int(at.timestamp())
    return replace(bars, **{name: np.where(place, value, getattr(bars, name)) for name, value in values.items()})


def upside_down(bars: Bars) -> Bars:
    return changed(bars, BAD_DAY, high=90.0)


@pytest.fixture
def spoiled(house: House) -> House:
    house.provider = SpoiledProvider(spoil=upside_down)
    return house


def collect(house: House, **spec: object) -> None:
    """Collect the window once more."""
    house.define(**{"mode": "backfill", "window": WINDOW, "symbols": ["AAPL"], **spec})
    house.trigger()
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)
    house.clock.advance(timedelta(minutes=1))


def findings(house: House, **wanted: object) -> list[StoredFinding]:
    return list(Quarantine(house.database).listed(FindingFilter(**wanted)))  # type: ignore[arg-type]


def stored(house: House) -> dict[str, float]:
    """The stored closes by day."""
    _, bars = house.reports.bars("yahoo", "AAPL", Interval.D1, None, None)
    return {str(at): close for at, close in zip(_days(bars), bars.close.tolist(), strict=True)}


def _days(bars: Bars) -> list[object]:
    return bars.at.astype("datetime64[s]").astype("datetime64[D]").tolist()


def told(house: House, name: EventName) -> list[Event]:
    with house.database.read() as connection:
        return [event for event in events.latest(connection, 1_000) if event.name is name]


def test_a_bad_bar_is_set_aside_with_its_rule_and_told_once(spoiled: House) -> None:
    collect(spoiled)
    collect(spoiled)
    [found] = findings(spoiled)
    assert (found.kind, found.rule, found.state) == (FindingKind.REJECTED_BAR, "high-below-low", FindingState.OPEN)
    assert (found.symbol, found.interval, found.at, found.job) == ("AAPL", Interval.D1, BAD_DAY, "DAILY")
    assert "2026-02-10" not in stored(spoiled)
    assert len(stored(spoiled)) == 11
    [event] = told(spoiled, EventName.QUARANTINED)
    assert event.data == {"job": "DAILY", "bars": 1, "rules": {"high-below-low": 1}, "symbols": ["AAPL"]}
    assert event.attempt_id == found.attempt_id


def test_a_released_bar_is_stored_as_it_came_and_not_set_aside_again(spoiled: House) -> None:
    collect(spoiled)
    [found] = findings(spoiled)
    done = Quarantine(spoiled.database).release([str(found.id)[:8]], by="ann")
    assert (done.findings, done.bars, done.written) == (1, 1, 1)
    assert stored(spoiled)["2026-02-10"] == 104.0
    collect(spoiled)
    [found] = findings(spoiled)
    assert (found.state, found.decided_by) == (FindingState.RELEASED, "ann")
    assert len(stored(spoiled)) == 12
    [event] = told(spoiled, EventName.RELEASED)
    assert (event.data["by"], event.data["written"], event.data["findings"]) == ("ann", 1, [str(found.id)])


def test_a_released_bar_whose_volume_is_revised_is_the_same_bar(spoiled: House) -> None:
    collect(spoiled)
    Quarantine(spoiled.database).release([str(findings(spoiled)[0].id)], by="ann")
    spoiled.provider.spoil = lambda bars: changed(upside_down(bars), BAD_DAY, volume=7)
    collect(spoiled)
    assert [found.state for found in findings(spoiled)] == [FindingState.RELEASED]


def test_another_bad_bar_in_the_place_of_a_released_one_is_set_aside(spoiled: House) -> None:
    collect(spoiled)
    Quarantine(spoiled.database).release([str(findings(spoiled)[0].id)], by="ann")
    spoiled.provider.spoil = lambda bars: changed(bars, BAD_DAY, high=80.0)
    collect(spoiled)
    assert sorted(found.state for found in findings(spoiled)) == [FindingState.OPEN, FindingState.RELEASED]


def test_a_rejected_bar_stays_aside_and_nobody_is_asked_again(spoiled: House) -> None:
    collect(spoiled)
    quarantine = Quarantine(spoiled.database)
    assert quarantine.reject([str(findings(spoiled)[0].id)], by="ann").findings == 1
    collect(spoiled)
    assert [found.state for found in findings(spoiled)] == [FindingState.REJECTED]
    assert "2026-02-10" not in stored(spoiled)
    assert [event.data["bars"] for event in told(spoiled, EventName.REJECTED)] == [1]
    assert len(told(spoiled, EventName.QUARANTINED)) == 1


def test_a_rejected_bar_can_still_be_released(spoiled: House) -> None:
    collect(spoiled)
    quarantine, name = Quarantine(spoiled.database), str(findings(spoiled)[0].id)
    quarantine.reject([name], by="ann")
    quarantine.release([name], by="bob")
    assert [(found.state, found.decided_by) for found in findings(spoiled)] == [(FindingState.RELEASED, "bob")]
    assert "2026-02-10" in stored(spoiled)


def test_a_good_bar_from_the_source_mends_and_the_old_fault_opens_again(spoiled: House) -> None:
    collect(spoiled)
    spoiled.provider.spoil = as_served
    collect(spoiled)
    [found] = findings(spoiled)
    assert (found.state, found.decided_by) == (FindingState.MENDED, "DAILY")
    assert "2026-02-10" in stored(spoiled)
    spoiled.provider.spoil = upside_down
    collect(spoiled)
    [found] = findings(spoiled)
    assert (found.state, found.decided_at) == (FindingState.OPEN, None)


def test_what_is_decided_cannot_be_decided_again(spoiled: House) -> None:
    collect(spoiled)
    quarantine, name = Quarantine(spoiled.database), str(findings(spoiled)[0].id)
    quarantine.release([name], by="ann")
    for decide in (quarantine.release, quarantine.reject):
        with pytest.raises(Conflict, match="is released"):
            decide([name], by="bob")
    with pytest.raises(NotFound):
        quarantine.release(["00000000"], by="bob")


def test_a_bar_without_a_price_is_listed_and_cannot_be_released(spoiled: House) -> None:
    spoiled.provider.spoil = lambda bars: changed(bars, BAD_DAY, close=np.nan)
    collect(spoiled)
    quarantine = Quarantine(spoiled.database)
    [found] = findings(spoiled)
    assert found.rule == "price-missing"
    aside = quarantine.get(str(found.id)).aside
    assert np.isnan(aside.close).all()
    assert aside.open.tolist() == [104.0]
    with pytest.raises(Conflict, match="without a price"):
        quarantine.release([str(found.id)], by="ann")
    assert [found.state for found in findings(spoiled)] == [FindingState.OPEN]
    assert list(quarantine.release_matching(FindingFilter(), by="ann")) == [Decided(passed_over=1)]


def test_of_two_bars_of_one_time_one_is_released_and_not_both(spoiled: House) -> None:
    def twice(bars: Bars) -> Bars:
        other = changed(bars, BAD_DAY, close=104.5)
        return Bars(
            *(
                np.append(getattr(bars, name), getattr(other, name)[bars.at == int(BAD_DAY.timestamp())])
                for name in Bars.__dataclass_fields__
            )
        )

    spoiled.provider.spoil = twice
    collect(spoiled)
    found = findings(spoiled, states=(FindingState.OPEN,))
    assert [one.rule for one in found] == ["duplicate-time"] * 2
    quarantine = Quarantine(spoiled.database)
    with pytest.raises(Conflict, match="one time"):
        quarantine.release([str(one.id) for one in found], by="ann")
    right = next(one for one in found if one.evidence["close"] == 104.5)
    quarantine.release([str(right.id)], by="ann")
    assert stored(spoiled)["2026-02-10"] == 104.5


def test_a_whole_answer_in_another_unit_is_held_against_what_is_stored(spoiled: House) -> None:
    spoiled.provider.spoil = as_served
    collect(spoiled)
    spoiled.provider.spoil = lambda bars: replace(
        bars, **{name: getattr(bars, name) * 100 for name in ("open", "high", "low", "close")}
    )
    collect(spoiled, window={"start": "2026-02-14", "end": "2026-02-20"})
    assert [(found.rule, found.evidence["factor"]) for found in findings(spoiled)] == [("unit-jump", 100.0)] * 6
    assert len(stored(spoiled)) == 12


def test_a_split_in_the_answer_explains_prices_a_hundred_times_higher(spoiled: House) -> None:
    spoiled.provider.spoil = as_served
    collect(spoiled)
    spoiled.provider.actions = (CorporateAction("split", day("2026-02-16"), 0.01),)
    spoiled.provider.spoil = lambda bars: replace(
        bars, **{name: getattr(bars, name) * 100 for name in ("open", "high", "low", "close")}
    )
    collect(spoiled, window={"start": "2026-02-14", "end": "2026-02-20"})
    assert findings(spoiled, states=(FindingState.OPEN,)) == []
    assert len(stored(spoiled)) == 18


@pytest.mark.parametrize(
    ("switches", "kinds", "bars"),
    [
        ({}, {FindingKind.REJECTED_BAR}, 11),
        ({"high-below-low": "note", "open-outside": "off", "close-outside": "off"}, {FindingKind.SUSPECT_BAR}, 12),
        ({"high-below-low": "off", "open-outside": "off", "close-outside": "off"}, set(), 12),
    ],
)
def test_a_job_switches_its_rules(spoiled: House, switches: dict[str, str], kinds: set[FindingKind], bars: int) -> None:
    collect(spoiled, validation=switches)
    assert {found.kind for found in findings(spoiled)} == kinds
    assert len(stored(spoiled)) == bars


def test_what_is_noted_is_stored_and_noted_once_a_month(spoiled: House) -> None:
    spoiled.provider.spoil = lambda bars: replace(bars, volume=np.zeros_like(bars.volume))
    collect(spoiled)
    collect(spoiled)
    assert [(found.kind, found.rule, found.state) for found in findings(spoiled)] == [
        (FindingKind.SUSPECT_BAR, "zero-volume", FindingState.NOTED)
    ]
    assert len(stored(spoiled)) == 12


def test_findings_that_options_describe_are_decided_together(spoiled: House) -> None:
    spoiled.provider.spoil = lambda bars: replace(bars, high=bars.low - 1)
    collect(spoiled, symbols=["AAPL", "MSFT"])
    quarantine = Quarantine(spoiled.database)
    batches = list(quarantine.release_matching(FindingFilter(symbol="AAPL"), by="ann", job="DAILY"))
    assert sum(batch.written for batch in batches) == 12
    assert {found.state for found in findings(spoiled, symbol="AAPL")} == {FindingState.RELEASED}
    assert {found.state for found in findings(spoiled, symbol="MSFT")} == {FindingState.OPEN}
    rejected = list(quarantine.reject_matching(FindingFilter(rule="high-below-low"), by="ann"))
    assert sum(batch.findings for batch in rejected) == 12


def test_a_bar_released_after_a_split_is_stored_in_shares_of_now(spoiled: House) -> None:
    collect(spoiled)
    [found] = findings(spoiled)
    spoiled.provider.actions = (CorporateAction("split", day("2026-02-20"), 4.0),)
    spoiled.provider.spoil = lambda bars: replace(
        bars, volume=bars.volume * 4, **{name: getattr(bars, name) / 4 for name in ("open", "high", "low", "close")}
    )
    collect(spoiled, window={"start": "2026-02-11", "end": "2026-02-25"})
    Quarantine(spoiled.database).release([str(found.id)], by="ann")
    closes = stored(spoiled)
    assert closes["2026-02-10"] == 26.0
    assert closes["2026-02-09"] == pytest.approx(25.75)
