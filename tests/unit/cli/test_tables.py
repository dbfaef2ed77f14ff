"""Tables on narrow terminals."""

from __future__ import annotations

import pytest

from stockjobs.cli import tables
from stockjobs.cli.tables import fields, fitting, lines, wrapped
from tests.fixtures.cli import Ctl

COLUMNS = (["id", "8"], ["name", "a long name"], ["age", "5m"])


def test_columns_that_can_be_spared_go_where_the_line_is_too_long_the_highest_first() -> None:
    for most, kept in ((None, [0, 1, 2]), (22, [0, 1, 2]), (21, [0, 1]), (9, [0]), (1, [0])):
        assert fitting(COLUMNS, (0, 1, 2), most) == kept


def test_columns_that_cannot_be_spared_stay_however_narrow_it_is() -> None:
    assert fitting(COLUMNS, (0, 0, 0), 5) == [0, 1, 2]


def test_a_last_column_of_sentences_goes_on_at_words_under_its_title() -> None:
    rows = [["spike", "the price is far from all that is beside it"], ["zero", "it is zero"]]
    assert list(lines(["rule", "meaning"], rows, most=34)) == [
        "RULE    MEANING",
        "spike   the price is far from all",
        "        that is beside it",
        "zero    it is zero",
    ]
    assert list(lines(["rule", "meaning"], rows, most=80))[1] == "spike   the price is far from all that is beside it"


def test_a_word_is_never_broken_and_what_was_apart_stays_apart() -> None:
    assert wrapped("  one  two three/four/five six", 12) == ["  one  two", "  three/four/five", "  six"]
    assert wrapped("a bb ccc", 5, hang=2) == ["a bb", "  ccc"]
    assert wrapped("", 5) == [""]


def test_a_value_goes_on_at_words_under_its_beginning() -> None:
    pairs = [("Id", "1"), ("Reason", "the price is far from all that is beside it")]
    assert list(fields(pairs, "  ", 36)) == [
        "  Id:      1",
        "  Reason:  the price is far from all",
        "           that is beside it",
    ]


@pytest.fixture
def narrow(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """Commands that write to a terminal of 80 characters."""
    monkeypatch.setattr(tables, "width", lambda: 80)
    return ctl


def test_a_terminal_of_80_characters_is_enough(narrow: Ctl) -> None:
    narrow.apply("DAILY", description="words " * 30)
    for command in ("get rules", "describe job DAILY", "providers", "providers describe files"):
        shown = narrow.lines(*command.split())
        assert [line for line in shown if len(line) > 80 and len(line.split()) > 2] == [], command
    assert narrow.lines("config")[0].split() == ["NAME", "UNIT", "ORIGIN", "VALUE"]
    assert "VARIABLES" in narrow.lines("config", "-o", "wide")[0]
