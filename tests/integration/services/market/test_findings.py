"""Findings on real databases: each is written once, with the bars that were set aside for it as they came."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import select

from stockjobs.domain.market.bars import NO_VOLUME, Bars, Identity
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.database import Connection, Database
from stockjobs.store.market import findings, instruments
from stockjobs.store.market.findings import Finding
from tests.fixtures.database import NOON

AT = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
DECISIONS = (
    FindingState.REJECTED,
    FindingState.MENDED,
    FindingState.RELEASED,
    FindingState.REJECTED,
    FindingState.MENDED,
)
ASIDE = Bars(
    at=np.array([int(AT.timestamp())]),
    open=np.array([10.0]),
    high=np.array([np.inf]),
    low=np.array([np.nan]),
    close=np.array([129.0399932861328]),
    volume=np.array([NO_VOLUME]),
    provisional=np.array([True]),
)


def finding(connection: Connection, provider: str = "yahoo") -> Finding:
    identity = Identity("AAPL", "NMS", "America/New_York", "USD", "EQUITY")
    instrument = instruments.ensure(connection, provider, identity, NOON)
    return Finding(
        FindingKind.REJECTED_BAR, "AAPL", "why", instrument.id, Interval.D1, AT, evidence={"close": 1.5}, bars=ASIDE
    )


def test_a_finding_keeps_its_bars_as_they_came(database: Database) -> None:
    with database.begin() as connection:
        one = finding(connection)
        new = findings.land(connection, [one], NOON)
        [row] = connection.execute(select(tables.quarantined_bars)).mappings()
    assert new == {one.id}
    assert (row["finding_id"], row["instrument_id"], row["interval_s"]) == (one.id, one.instrument_id, 86_400)
    assert (row["at"], row["open"], row["close"], row["provisional"]) == (AT, 10.0, 129.0399932861328, True)
    assert (row["high"], row["low"], row["volume"]) == (None, None, None)


def test_a_finding_that_is_seen_again_is_left_as_it_is(database: Database) -> None:
    with database.begin() as connection:
        one = finding(connection)
        findings.land(connection, [one, one], NOON)
        again = findings.land(connection, [replace(one, state=FindingState.NOTED)], NOON)
        stored = connection.execute(select(tables.findings)).mappings().all()
        aside = connection.execute(select(tables.quarantined_bars)).all()
    assert again == frozenset()
    assert [row["state"] for row in stored] == ["open"]
    assert len(aside) == 1


def test_the_same_bar_of_two_providers_that_share_a_symbol_is_set_aside_for_each(database: Database) -> None:
    with database.begin() as connection:
        both = [finding(connection, provider) for provider in ("yahoo", "files")]
        new = findings.land(connection, both, NOON)
        aside = connection.execute(select(tables.quarantined_bars.c.instrument_id)).scalars().all()
    assert new == {one.id for one in both}
    assert sorted(aside) == [one.instrument_id for one in both]


def test_a_bar_that_is_seen_under_the_next_name_of_its_instrument_is_the_same_finding(database: Database) -> None:
    with database.begin() as connection:
        one = finding(connection)
        findings.land(connection, [one], NOON)
        assert findings.land(connection, [replace(one, symbol="NEWA")], NOON) == frozenset()


def test_symbols_whose_instrument_is_not_known_have_findings_of_their_own() -> None:
    one = Finding(FindingKind.SYMBOL, "AAPL", "why")
    assert len({one.id, replace(one, symbol="MSFT").id, replace(one, instrument_id=5).id}) == 3


def test_what_was_decided_is_not_decided_again_whoever_comes_second(database: Database) -> None:
    with database.begin() as connection:
        one = finding(connection)
        findings.land(connection, [one], NOON)
        counts = [findings.decide(connection, [one.id], state, "ann", NOON) for state in DECISIONS]
        [state] = connection.execute(select(tables.findings.c.state)).scalars()
    assert (counts, state) == ([1, 0, 1, 0, 0], "released")
