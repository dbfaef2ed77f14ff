"""`stockctl coverage`, `gaps` and `repair`."""

from __future__ import annotations

import pytest

from stockjobs.cli.gaps import why_unjudged
from stockjobs.domain.market.intervals import Interval
from stockjobs.services.market.covered import NO_CALENDAR, Coverage
from stockjobs.store.market.coverage import Series
from tests.fixtures.cli import Ctl
from tests.fixtures.exchange import MarketProvider


@pytest.fixture
def collected(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """Ten days of a symbol, of which the four in the middle were never asked for."""
    provider = MarketProvider()
    monkeypatch.setattr(ctl.container, "provider", lambda _: provider)
    for start, end in (("2024-03-04", "2024-03-09"), ("2024-03-15", "2024-03-16")):
        ctl("backfill", "--symbols", "AAPL", "--start", start, "--end", end)
        ctl.work()
    return ctl


def test_coverage_says_how_much_is_there_and_why_the_rest_is_not(collected: Ctl) -> None:
    [row] = collected.json("coverage", "AAPL", "--end", "2024-03-16")
    assert (row["expected"], row["stored"], row["missing"]) == (10, 6, {"unknown": 4})
    header, line = collected.lines("coverage", "--end", "2024-03-16")
    assert header.split()[:5] == ["SYMBOL", "INTERVAL", "EXPECTED", "STORED", "PERCENT"]
    assert line.split() == ["AAPL", "1d", "10", "6", "60.00", "unknown", "4"]


def test_coverage_of_several_series_ends_with_what_they_come_to(collected: Ctl) -> None:
    several = collected("coverage", "AAPL", "MSFT", "--end", "2024-03-16").stderr
    assert "stockctl: 2 series: 6 of 10 expected bars stored (60.00 %)\n" in several
    assert "series:" not in collected("coverage", "AAPL", "--end", "2024-03-16").stderr


def test_coverage_by_year_has_a_line_for_each(collected: Ctl) -> None:
    rows = collected.json("coverage", "AAPL", "--start", "2023-12-01", "--end", "2024-03-16", "--by-year")
    assert [(row["year"], row["expected"], row["stored"]) for row in rows] == [(2023, 20, 0), (2024, 52, 6)]


def test_gaps_lists_each_day_the_newest_first(collected: Ctl) -> None:
    rows = collected.json("gaps", "AAPL", "--end", "2024-03-16")
    assert [row["day"] for row in rows] == ["2024-03-14", "2024-03-13", "2024-03-12", "2024-03-11"]
    assert {row["cause"] for row in rows} == {"unknown"}
    assert "unknown: not asked for yet" in collected("coverage", "AAPL", "--end", "2024-03-16").stderr
    assert collected.json("gaps", "AAPL", "--end", "2024-03-16", "--cause", "source-null") == []


@pytest.mark.parametrize("cause", [(), ("--cause", "set-aside")])
def test_without_a_calendar_gaps_says_so_and_what_to_do(
    ctl: Ctl, monkeypatch: pytest.MonkeyPatch, cause: tuple[str, ...]
) -> None:
    ctl.provider.exchange = "XYZQ"
    ctl("backfill", "--symbols", "AAPL", "--start", "2024-03-04", "--end", "2024-03-09")
    ctl.work()
    told = ctl("gaps", "AAPL", *cause).stderr
    assert "of AAPL it cannot be told: no calendar, as the sessions of its exchange, XYZQ, are not known" in told


def test_the_cure_of_a_missing_calendar_is_an_exchange() -> None:
    series = Series(1, "ACME", "", "America/New_York", None)
    told = why_unjudged(Coverage(series, Interval.D1, note=NO_CALENDAR), "files")
    assert told.startswith("no calendar, as its source names no exchange: name one in instruments.csv, such as NMS,")


def test_repair_tells_its_price_and_a_dry_run_does_nothing(collected: Ctl) -> None:
    result = collected("repair", "AAPL", "--end", "2024-03-16", "--dry-run")
    assert result.stdout == "4 missing bars of 1 symbol: 1 request to yahoo (dry run)\n"
    assert result.stderr == ""


def test_repair_closes_the_holes(collected: Ctl) -> None:
    collected("repair", "AAPL", "--end", "2024-03-16")
    collected.work()
    [row] = collected.json("coverage", "AAPL", "--end", "2024-03-16")
    assert (row["expected"], row["stored"]) == (10, 10)
    assert "nothing to ask for" in collected("repair", "AAPL", "--end", "2024-03-16").stderr
    assert collected("gaps", "AAPL", "--end", "2024-03-16").stderr == "No bars are missing.\n"


@pytest.mark.parametrize("verb", [("coverage",), ("gaps",), ("repair", "--dry-run"), ("data",), ("symbols", "show")])
def test_symbols_are_arguments_or_an_option_alike_and_nothing_is_not_everything(
    collected: Ctl, verb: tuple[str, ...]
) -> None:
    said = collected(*verb, "AAPL").stdout
    for typed in (["-s", "AAPL"], ["--symbols", "aapl,AAPL"], ["AAPL,", "-s", "aapl"]):
        assert collected(*verb, *typed).stdout == said
    for typed in ([""], ["-s", ""], ["-s", ","]):
        assert "symbols: none is named by what was given" in collected(*verb, *typed, code=2).stderr


def test_a_symbol_in_place_of_a_job_is_told_where_it_belongs(ctl: Ctl) -> None:
    assert "no job 'AAPL'" in (told := ctl("backfill", "AAPL", code=3).stderr)
    assert "of symbols: `stockctl backfill --symbols AAPL`" in told


def test_a_job_and_symbols_exclude_each_other_and_an_unknown_job_is_named(collected: Ctl) -> None:
    assert "stands in place of symbols" in collected("coverage", "AAPL", "--job", "X", code=2).stderr
    assert "no job 'X'" in collected("gaps", "--job", "X", code=3).stderr
