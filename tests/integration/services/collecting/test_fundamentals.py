"""Fundamentals on both databases: asked for when something can be new, and every distinct figure kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import case, select

from stockjobs.domain.market.bars import Fact, FactsReply, Identity
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Conflict
from stockjobs.providers.base import Patience
from stockjobs.services.collecting.conclusion import Outcome, Verdict
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.services.market.redenominating import Redenomination
from stockjobs.services.market.symbols import Renaming, Symbols
from stockjobs.store import tables
from stockjobs.store.market import instruments
from tests.fixtures.house import House, ScriptedProvider

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)
REVENUE = Fact("TotalRevenue", "quarterly", date(2025, 12, 31), 100.0, "USD")
TRAILING = Fact("TotalRevenue", "trailing", date(2025, 12, 31), 390.0, "USD")
SHARES = Fact("OrdinarySharesNumber", "quarterly", date(2025, 12, 31), 15.0)
RESTATED = Fact("TotalRevenue", "quarterly", date(2025, 12, 31), 97.0, "USD")
IDENTITY = Identity("AAPL", "NMS", "America/New_York", "USD", "EQUITY")


class Company(ScriptedProvider):
    """Serves the figures that the test gives it, and counts the questions."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: Sequence[Fact] = (REVENUE, TRAILING, SHARES)
        self.profile = {"sector": "Technology"}
        self.questions: list[str] = []
        self.said = IDENTITY

    def facts(self, symbol: str, *, now: object, patience: Patience) -> FactsReply:
        self.questions.append(symbol)
        return FactsReply(symbol, tuple(self.figures), self.profile, self.said)


@pytest.fixture
def company(house: House) -> Company:
    provider = house.provider = Company()
    house.define("REPORTS", type="fundamentals", symbols=["AAPL"])
    house.define("ALL", type="fundamentals", mode="backfill", symbols=["AAPL"])
    return provider


def run(house: House, job: str = "REPORTS") -> Outcome:
    house.trigger(job)
    house.dispatch.tick()
    [outcome] = house.work(Lane.REALTIME)
    assert outcome.verdict is Verdict.COMPLETED
    return outcome


@dataclass(frozen=True)
class StoredFact:
    """A figure, and when the source was first and last seen to give it."""

    fact: Fact
    first_seen: datetime
    last_seen: datetime


def stored(house: House) -> list[StoredFact]:
    """All figures, read as the page about backfills tells users to."""
    figures, answers = tables.facts, tables.fundamentals
    last_seen = case((figures.c.last_seen >= answers.c.changed_at, answers.c.asked_at), else_=figures.c.last_seen)
    names = [figures.c[name] for name in Fact.__dataclass_fields__]
    query = select(*names, figures.c.first_seen, last_seen).join_from(
        figures, answers, answers.c.instrument_id == figures.c.instrument_id
    )
    order = (figures.c.metric, figures.c.period, figures.c.as_of, figures.c.first_seen)
    with house.database.read() as connection:
        rows = connection.execute(query.order_by(*order)).all()
    return [StoredFact(Fact(*row[:-2]), row[-2], row[-1]) for row in rows]


def raw(house: House) -> list[tuple[object, ...]]:
    with house.database.read() as connection:
        return [tuple(row) for row in connection.execute(select(tables.facts).order_by(tables.facts.c.metric))]


def test_a_second_run_on_the_same_day_asks_for_nothing_and_is_a_success(house: House, company: Company) -> None:
    run(house)
    house.clock.advance(timedelta(hours=3))
    assert run(house).landed.written == 0
    assert company.questions == ["AAPL"]


def test_out_of_season_it_is_asked_once_a_week_and_in_season_every_day(house: House, company: Company) -> None:
    run(house)
    for _ in range(6):
        house.clock.advance(DAY)
        run(house)
    assert len(company.questions) == 1
    house.clock.advance(DAY)
    run(house)
    assert len(company.questions) == 2
    # The quarter after that of 31 December ends on 31 March, and is reported from 14 April on.
    house.clock.now = house.clock.now.replace(month=4, day=20)
    for _ in range(3):
        run(house)
        house.clock.advance(DAY)
    assert len(company.questions) == 5


def test_a_backfill_asks_always(house: House, company: Company) -> None:
    run(house)
    run(house, "ALL")
    run(house, "ALL")
    assert len(company.questions) == 3


def test_an_equal_answer_writes_no_figure_and_they_count_as_seen(house: House, company: Company) -> None:
    first = house.clock.now
    run(house)
    before = raw(house)
    house.clock.advance(DAY)
    run(house, "ALL")
    assert raw(house) == before
    assert {(one.first_seen, one.last_seen) for one in stored(house)} == {(first, house.clock.now)}


def test_a_restated_figure_stands_beside_the_old_one_with_when_each_was_seen(house: House, company: Company) -> None:
    first = house.clock.now
    for _ in range(2):
        run(house, "ALL")
        house.clock.advance(DAY)
    last_of_old = house.clock.now - DAY
    company.figures = (RESTATED, TRAILING, SHARES)
    outcome = run(house, "ALL")
    assert outcome.landed.written == 1
    house.clock.advance(DAY)
    run(house, "ALL")
    seen = {one.fact: (one.first_seen, one.last_seen) for one in stored(house)}
    assert seen == {
        REVENUE: (first, last_of_old),
        RESTATED: (house.clock.now - DAY, house.clock.now),
        TRAILING: (first, house.clock.now),
        SHARES: (first, house.clock.now),
    }


def test_a_figure_that_comes_back_is_seen_again(house: House, company: Company) -> None:
    first = house.clock.now
    for figures in ((REVENUE,), (RESTATED,), (REVENUE,)):
        company.figures = figures
        run(house, "ALL")
        house.clock.advance(DAY)
    seen = {one.fact.value: (one.first_seen, one.last_seen) for one in stored(house)}
    assert seen == {100.0: (first, first + 2 * DAY), 97.0: (first + DAY, first + DAY)}


def test_an_empty_answer_deletes_nothing_and_is_no_sight_of_the_figures(house: House, company: Company) -> None:
    first = house.clock.now
    run(house)
    company.figures, company.profile = (), {}
    house.clock.advance(DAY)
    run(house, "ALL")
    assert {(one.first_seen, one.last_seen) for one in stored(house)} == {(first, first)}
    assert len(stored(house)) == 3
    company.figures = (REVENUE,)
    house.clock.advance(DAY)
    run(house, "ALL")
    assert {one.fact: one.last_seen for one in stored(house)} == {
        REVENUE: house.clock.now,
        TRAILING: first,
        SHARES: first,
    }


def test_an_empty_answer_about_nobody_known_writes_nothing(house: House, company: Company) -> None:
    company.figures, company.profile = (), {}
    run(house)
    with house.database.read() as connection:
        assert not instruments.by_symbol(connection, "yahoo", ["AAPL"])


def test_figures_of_a_company_in_another_currency_are_set_aside_whole(house: House, company: Company) -> None:
    run(house)
    before = raw(house)
    house.clock.advance(DAY * 8)
    company.said = replace(IDENTITY, exchange="LSE", zone="Europe/London", currency="GBP", name="Another plc")
    company.figures = (RESTATED,)
    assert (outcome := run(house)).landed.written == 0
    assert outcome.landed.rejected == 1
    assert raw(house) == before
    with house.database.read() as connection:
        [finding] = connection.execute(select(tables.findings)).mappings()
        [known] = instruments.by_symbol(connection, "yahoo", ["AAPL"]).values()
    assert (finding["kind"], finding["state"]) == ("identity", "open")
    assert finding["reason"] == "figures came in GBP in units of 1, and are kept in USD in units of 1"
    assert finding["evidence"] == {"facts": 1}
    with pytest.raises(Conflict, match="goes by its prices alone"):
        Quarantine(house.database).release([str(finding["id"])], by="ann")
    with pytest.raises(Conflict, match="no finding says that its source tells another currency or unit of its prices"):
        Symbols(house.database).redenominate(Redenomination("yahoo", "AAPL"), by="ann")
    assert known.identity.exchange == "NMS"


def test_figures_of_a_company_that_has_moved_land_and_change_what_is_known_of_it(
    house: House, company: Company
) -> None:
    run(house)
    house.clock.advance(DAY * 8)
    company.said = replace(IDENTITY, exchange="NYQ")
    run(house)
    with house.database.read() as connection:
        [finding] = connection.execute(select(tables.findings)).mappings()
        [known] = instruments.by_symbol(connection, "yahoo", ["AAPL"]).values()
    assert (finding["kind"], finding["state"], known.identity.exchange) == ("identity", "noted", "NYQ")


def test_figures_of_a_renamed_company_are_asked_for_and_kept_as_its_own(house: House, company: Company) -> None:
    run(house)
    house.clock.advance(DAY)
    Symbols(house.database).rename(Renaming("yahoo", "AAPL", "APPL"), by="ann")
    assert run(house).skipped == 1
    house.define("BOTH", type="fundamentals", mode="backfill", symbols=["AAPL", "APPL"])
    company.said, company.figures = replace(IDENTITY, symbol="APPL"), (RESTATED, TRAILING, SHARES)
    assert run(house, "ALL").landed.written == 1
    assert run(house, "BOTH").skipped == 1
    assert company.questions == ["AAPL", "APPL", "APPL"]
    with house.database.read() as connection:
        assert len(set(connection.execute(select(tables.facts.c.instrument_id)).scalars())) == 1


def test_an_answer_about_another_company_than_was_asked_for_lands_nowhere(house: House, company: Company) -> None:
    company.said = replace(IDENTITY, symbol="MSFT")
    house.trigger("REPORTS")
    house.dispatch.tick()
    [outcome] = house.work(Lane.REALTIME)
    assert "Asked for the figures of AAPL, the answer is about MSFT" in (outcome.error or "")
    assert raw(house) == []
