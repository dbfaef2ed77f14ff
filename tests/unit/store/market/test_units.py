"""What is kept in another unit from now on is converted, but for what came in that unit."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import findings, units
from stockjobs.store.market.findings import Finding
from tests.fixtures.database import NOON
from tests.fixtures.market import add_instrument

HELD = (
    ("spike", {}, 0.01),
    ("unit-jump", {"factor": 0.01}, 1.0),
    ("unit-jump", {"factor": 100.0}, 0.01),
    ("unit-jump", {"factor": 0.1}, 0.01),
    ("unit-jump", {}, 0.01),
    (None, {"lowest": 0.00999, "highest": 0.01001}, 1.0),
    (None, {"lowest": 0.5, "highest": 2.0}, 0.01),
    (None, {"lowest": 0.01, "highest": 1.0}, 0.01),
)
"""The rule that a bar breaks, or None for one of a ratio that varies, what is told of it, and by what it is multiplied."""


def test_what_came_in_the_other_unit_already_is_not_converted(database: Database) -> None:
    with database.begin() as connection:
        instruments = [add_instrument(connection, symbol) for symbol in ("VOD.L", "BP.L")]
        for instrument in instruments:
            findings.land(connection, [held(instrument, number) for number in range(len(HELD))], NOON)
        assert units.convert(connection, instruments[0], 0.01) == 0
        aside = tables.quarantined_bars
        query = select(aside.c.close).order_by(aside.c.instrument_id, aside.c.at)
        converted = [200 * times for *_, times in HELD]
        assert connection.execute(query).scalars().all() == pytest.approx([*converted, *[200.0] * len(HELD)])


def held(instrument: int, number: int) -> Finding:
    """A bar that was set aside, each at another time."""
    rule, evidence, _ = HELD[number]
    kind = FindingKind.REJECTED_BAR if rule else FindingKind.VARYING_RATIO
    at = NOON.timestamp() + 60 * number
    bars = Bars.of(([at], [200.0], [200.0], [200.0], [200.0], [100], [False]))
    what = {"interval": Interval.M1, "at": NOON, "rule": rule, "evidence": {**evidence, "number": number}}
    return Finding(kind, "VOD.L", "why", instrument, **what, bars=bars)
