"""What was read at a moment is read again as of it, value by value, whatever was told anew since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.services.market.reading import Reading
from tests.fixtures.history import Telling, collect, day, parts, stored, tomorrow
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)
EVERY = tuple(Adjusted)


@dataclass
class Reader:
    """Reads all bars in every way, and remembers when it has read what."""

    house: House
    reading: Reading
    read: list[tuple[datetime, dict[Adjusted, pa.Table]]] = field(default_factory=list)

    def look(self) -> None:
        self.house.clock.advance(MINUTE)
        self.read.append((self.house.clock.now, self._tables(None)))
        self.house.clock.advance(MINUTE)

    def _tables(self, as_of: datetime | None) -> dict[Adjusted, pa.Table]:
        return {one: self.reading.table(BarsQuery(("AAPL",), adjusted=one, as_of=as_of)) for one in EVERY}

    def assert_known(self, ways: Sequence[Adjusted] = EVERY) -> None:
        """All that was read is the same as of when it was read."""
        for then, tables in self.read:
            now = self._tables(then)
            for one in ways:
                assert now[one].to_pydict() == tables[one].to_pydict(), (then, one)


@pytest.fixture
def reader(house: House) -> Iterator[Reader]:
    reading = Reading(house.database)
    yield Reader(house, reading)
    reading.close()


def test_splits_and_payments_are_known_as_they_were(house: House, source: Telling, reader: Reader) -> None:
    parts(house, (590, 560), (530, 500))
    source.actions = (CorporateAction("dividend", day(40), 4.0), CorporateAction("dividend", day(3), 2.0))
    for name, ratio in (("DAILY", 0.0), ("P0", 4.0), ("DAILY", 0.0), ("REST", 0.1), ("P1", 0.0), ("DAILY", 0.0)):
        assert collect(house, name).error is None
        reader.look()
        tomorrow(house, source)
        if ratio:
            source.split(ratio, datetime.fromtimestamp(int(source.history.at[-1]), house.clock.now.tzinfo))
    assert {row["split_factor"] for row in stored(house)} > {0.4}
    assert len({str(tables[Adjusted.ALL]["close"][0]) for _, tables in reader.read}) > 2
    reader.assert_known()


def test_a_split_that_prices_were_found_to_have_changes_no_price_that_was_known(
    house: House, source: Telling, reader: Reader
) -> None:
    """It is noted in place: what was paid on the day is by what is known now."""
    source.split(1.1, day(0))
    source.actions = (*source.actions, CorporateAction("dividend", day(40), 4.0))
    parts(house, (590, 560), (530, 500))
    for name in ("P1", "P0", "REST"):
        assert collect(house, name).error is None
        reader.look()
    for _ in range(15):
        tomorrow(house, source)
    assert collect(house).error is None
    reader.look()
    assert {row["split_factor"] for row in stored(house) if row["at"] < day(0)} == {1.1}  # type: ignore[operator]
    reader.assert_known((Adjusted.SPLITS, Adjusted.ALL))
