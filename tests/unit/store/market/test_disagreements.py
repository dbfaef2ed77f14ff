"""What was set aside whole is over once all of it has come as good, stands as it came, or came in old shares."""

from __future__ import annotations

from datetime import UTC, timedelta

import numpy as np
from sqlalchemy import Connection

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.store.database import Database
from stockjobs.store.market import disagreements, findings
from stockjobs.store.market.findings import Finding, Good
from tests.fixtures.database import NOON
from tests.fixtures.market import add_bars, add_instrument, bar

AS_STORED, ELSEWHERE, IN_OLD_SHARES = 10.0, 13.0, 20.0


def test_a_finding_ends_once_each_of_its_bars_is_good_or_stands_as_it_came(database: Database) -> None:
    with database.begin() as connection:
        instrument = add_instrument(connection, "AAPL")
        add_bars(connection, instrument, [bar(NOON + timedelta(days=day), AS_STORED) for day in range(3)])
        is_open = held(connection, instrument, AS_STORED, ELSEWHERE, ELSEWHERE)
        assert disagreements.open_of(connection, (instrument, Interval.D1)) == [is_open.id]
        assert disagreements.open_of(connection, (instrument, Interval.H1)) == []
        assert findings.mend(connection, [good(instrument, 0, 1)], "night", NOON) == 0
        assert findings.mend(connection, [good(instrument, 1, 2)], "night", NOON) == 1
        assert disagreements.open_of(connection, (instrument, Interval.D1)) == []


def test_good_bars_of_several_landings_end_a_finding_unless_it_is_seen_again_between_them(database: Database) -> None:
    with database.begin() as connection:
        instrument = add_instrument(connection, "AAPL")
        add_bars(connection, instrument, [bar(NOON + timedelta(days=day), AS_STORED) for day in range(3)])
        is_open = held(connection, instrument, ELSEWHERE, ELSEWHERE, ELSEWHERE)
        unclear = Finding(FindingKind.UNCLEAR_SHARES, "AAPL", "why", instrument, Interval.D1, NOON)
        findings.land(connection, [unclear], NOON)

        def mended(*days: int) -> int:
            return findings.mend(connection, [good(instrument, *days)], "night", NOON)

        assert (mended(0, 1), mended(0), mended(2)) == (0, 0, 1)
        assert findings.land(connection, [is_open], NOON) == frozenset()
        assert (mended(2), mended(0)) == (0, 0)
        findings.land(connection, [is_open], NOON)
        assert (mended(1), mended(0), mended(2)) == (0, 0, 1)
        # What is not about bars that came does not end by bars that come.
        assert findings.open_again(connection, [unclear.id]) == frozenset()


def test_bars_that_came_in_old_shares_or_are_not_stored_are_told_apart(database: Database) -> None:
    with database.begin() as connection:
        instrument = add_instrument(connection, "AAPL")
        add_bars(connection, instrument, [bar(NOON + timedelta(days=day), AS_STORED) for day in range(3)])
        old = held(connection, instrument, IN_OLD_SHARES, IN_OLD_SHARES, AS_STORED)
        other = held(connection, instrument, IN_OLD_SHARES, ELSEWHERE, AS_STORED)
        unknown = held(connection, instrument, IN_OLD_SHARES, AS_STORED, AS_STORED, AS_STORED)
        which = [one.id for one in (old, other, unknown)]
        assert disagreements.over(connection, which) == []
        assert disagreements.over(connection, which, ratios=[3.0, 2.0]) == [old.id]
        assert disagreements.over(connection, [], ratios=[2.0]) == []


def held(connection: Connection, instrument: int, *closes: float) -> Finding:
    """An answer of so many days that was set aside whole."""
    at = [int((NOON + timedelta(days=day)).timestamp()) for day in range(len(closes))]
    count = len(closes)
    came = Bars.of((at, closes, closes, closes, closes, [100] * count, [False] * count))
    evidence = {"closes": list(closes)}
    found = Finding(
        FindingKind.VARYING_RATIO, "AAPL", "varies", instrument, Interval.D1, NOON, evidence=evidence, bars=came
    )
    assert found.state is FindingState.OPEN
    findings.land(connection, [found], NOON)
    return found


def good(instrument: int, *days: int) -> Good:
    at = np.array([int((NOON + timedelta(days=day)).timestamp()) for day in days])
    return Good(instrument, Interval.D1, at, UTC)
