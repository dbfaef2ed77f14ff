"""Reading what is stored."""

from __future__ import annotations

import csv
import io

import pytest

from tests.fixtures.cli import Ctl


@pytest.fixture
def stored(ctl: Ctl) -> Ctl:
    """A month of daily bars of two symbols."""
    ctl("backfill", "-s", "AAPL,MSFT", "--start", "2024-01-01", "--end", "2024-02-01")
    ctl.work()
    return ctl


def test_without_symbols_it_tells_what_is_stored(stored: Ctl) -> None:
    assert [line.split() for line in stored.lines("data")[1:]] == [
        ["AAPL", "1d", "31", "2024-01-01", "2024-01-31", "00:00Z", "103.00", "USD"],
        ["MSFT", "1d", "31", "2024-01-01", "2024-01-31", "00:00Z", "103.00", "USD"],
    ]


def test_csv_has_every_bar_whole_and_in_utc(stored: Ctl) -> None:
    rows = list(csv.DictReader(io.StringIO(stored("data", "aapl", "MSFT", "-o", "csv").stdout)))
    assert len(rows) == 62
    assert rows[0] == {
        "symbol": "AAPL",
        "at": "2024-01-01T00:00:00Z",
        "open": "103",
        "high": "104",
        "low": "102",
        "close": "103",
        "volume": "1000",
        "provisional": "false",
    }


def test_a_window_is_start_included_and_end_excluded(stored: Ctl) -> None:
    bars = stored.json("data", "AAPL", "--start", "2024-01-10", "--end", "2024-01-12")
    assert [bar["at"] for bar in bars] == ["2024-01-10T00:00:00Z", "2024-01-11T00:00:00Z"]


def test_a_table_shows_the_newest_and_says_so(stored: Ctl) -> None:
    result = stored("data", "AAPL")
    assert len(result.stdout.splitlines()) == 21
    assert result.stderr == "stockctl: AAPL: the newest 20 of 31 bars; --limit 0 shows all\n"
    assert len(stored.lines("data", "AAPL", "--limit", "0")) == 32
    assert len(stored.json("data", "AAPL", "--limit", "3")) == 3


def test_a_symbol_without_data_is_exit_code_3_and_beside_others_8(stored: Ctl) -> None:
    assert stored("data", "NONE", code=3).stderr.startswith("stockctl: nothing is stored for 'NONE'")
    result = stored("data", "AAPL", "NONE", "-o", "csv", code=8)
    assert len(result.stdout.splitlines()) == 32


def test_an_interval_without_bars_is_told(stored: Ctl) -> None:
    assert "AAPL: no 1m bars in this window" in stored("data", "AAPL", "-i", "1m").stderr


def test_a_symbol_that_is_a_path_is_refused(ctl: Ctl) -> None:
    assert "is a path" in ctl("data", "../etc/passwd", code=2).stderr
