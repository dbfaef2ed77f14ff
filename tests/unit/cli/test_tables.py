"""Tables on narrow terminals."""

from __future__ import annotations

from stockjobs.cli.tables import fitting

COLUMNS = (["id", "8"], ["name", "a long name"], ["age", "5m"])


def test_columns_that_can_be_spared_go_where_the_line_is_too_long_the_highest_first() -> None:
    for most, kept in ((None, [0, 1, 2]), (22, [0, 1, 2]), (21, [0, 1]), (9, [0]), (1, [0])):
        assert fitting(COLUMNS, (0, 1, 2), most) == kept


def test_columns_that_cannot_be_spared_stay_however_narrow_it_is() -> None:
    assert fitting(COLUMNS, (0, 0, 0), 5) == [0, 1, 2]
