"""`stockctl db storage`."""

from __future__ import annotations

from tests.fixtures.cli import Ctl


def test_it_tells_how_the_bars_lie(ctl: Ctl) -> None:
    assert ctl.lines("db", "storage") == ["layout:  plain"]


def test_what_lies_so_already_is_told_and_changes_nothing(ctl: Ctl) -> None:
    assert ctl.lines("db", "storage", "plain") == ["bars lie as plain already"]


def test_sqlite_has_no_other_layout(ctl: Ctl) -> None:
    for layout in ("partitions", "timescale"):
        assert "use PostgreSQL" in ctl("db", "storage", layout, code=2).stderr
