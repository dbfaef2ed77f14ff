"""As of a moment nothing is known that landed later, in whichever order landings at once drew their numbers."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import landings
from tests.fixtures.database import NOON

SECOND = timedelta(seconds=1)


def begun(database: Database, *after_s: int) -> None:
    """Landings that draw their numbers in this order, so many seconds after noon."""
    with database.begin() as connection:
        for seconds in after_s:
            landings.begin(connection, NOON + seconds * SECOND, attempt=None, by="test")


def known(database: Database, after_s: int) -> set[int]:
    """How many seconds after noon those landings were that are known so many seconds after noon."""
    with database.read() as connection:
        number = landings.as_of(connection, NOON + after_s * SECOND)
        at = connection.execute(select(tables.landings.c.at).where(tables.landings.c.id <= number)).scalars()
        return {int((one - NOON) / SECOND) for one in at}


def test_of_two_at_once_the_earlier_with_the_higher_number_is_not_known_before_the_later(database: Database) -> None:
    begun(database, 3, 0)
    assert [known(database, after) for after in (-1, 0, 1, 3, 4)] == [set(), set(), set(), {0, 3}, {0, 3}]


@pytest.mark.parametrize("order", [(3, 0, 2, 1), (1, 0, 3, 2), (3, 2, 1, 0)], ids=str)
def test_nothing_of_a_later_time_is_known_and_what_is_known_stays_so(
    database: Database, order: tuple[int, ...]
) -> None:
    begun(database, *order)
    seen = [known(database, after) for after in range(4)]
    assert all(max(found, default=0) <= after for after, found in enumerate(seen))
    assert all(before <= after for before, after in pairwise(seen))
    assert seen[-1] == {0, 1, 2, 3}


def test_what_landed_one_after_another_is_known_from_its_own_moment_on(database: Database) -> None:
    begun(database, 0, 5, 5, 7_200)
    assert [known(database, after) for after in (0, 4, 5, 7_199, 7_200)] == [{0}, {0}, {0, 5}, {0, 5}, {0, 5, 7_200}]
