"""Reading what is stored."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from stockjobs.domain.market.reading import BarsQuery
from stockjobs.store import tables
from tests.fixtures.cli import Ctl


@pytest.fixture
def stored(ctl: Ctl) -> Ctl:
    """A month of daily bars of two symbols."""
    ctl("backfill", "-s", "AAPL,MSFT", "--start", "2024-01-01", "--end", "2024-02-01")
    ctl.work()
    return ctl


def test_without_symbols_it_tells_what_is_stored(stored: Ctl) -> None:
    assert [line.split() for line in stored.lines("data")[1:]] == [
        ["AAPL", "1d", "31", "2024-01-01", "2024-01-31", "00:00Z", "103.00", "USD", "yahoo"],
        ["MSFT", "1d", "31", "2024-01-01", "2024-01-31", "00:00Z", "103.00", "USD", "yahoo"],
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


def test_of_many_symbols_without_data_the_first_are_named(stored: Ctl) -> None:
    said = stored("data", "AAPL", *(f"NONE{number}" for number in range(1_500)), code=8).stderr.splitlines()
    assert len(said) == 12
    assert said[-1] == "stockctl: nor for 1,490 more"


def test_an_interval_without_bars_is_told(stored: Ctl) -> None:
    assert "AAPL: no 1m bars are stored" in stored("data", "AAPL", "-i", "1m").stderr


def test_a_symbol_that_is_a_path_is_refused(ctl: Ctl) -> None:
    assert "is a path" in ctl("data", "../etc/passwd", code=2).stderr


def same_rows(path: Path) -> list[dict[str, object]]:
    """The rows of a file in the words of CSV, numbers as numbers."""
    if path.suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
        return [{**row, "at": f"{row['at']:%Y-%m-%dT%H:%M:%SZ}"} for row in rows]
    if path.suffix == ".json":
        found: list[dict[str, object]] = json.loads(path.read_text())
        return found
    numbers = {"open": float, "high": float, "low": float, "close": float, "volume": int, "provisional": "true".__eq__}
    lines = csv.DictReader(io.StringIO(path.read_text()))
    return [{name: numbers.get(name, str)(value) for name, value in line.items()} for line in lines]  # type: ignore[operator]


def test_every_format_holds_the_same_bars(stored: Ctl) -> None:
    for ending in ("csv", "json", "parquet"):
        stored("data", "MSFT", "AAPL", "--file", f"bars.{ending}")
    found = [same_rows(stored.folder / f"bars.{ending}") for ending in ("csv", "json", "parquet")]
    assert found[0] == found[1] == found[2]
    assert [row["symbol"] for row in found[0]] == ["MSFT"] * 31 + ["AAPL"] * 31
    assert found[0][0]["at"] == "2024-01-01T00:00:00Z"
    assert sorted(path.name for path in stored.folder.iterdir() if "bars" in path.name) == [
        "bars.csv",
        "bars.json",
        "bars.parquet",
    ]


def test_a_file_is_read_back_as_the_frame_that_was_stored(stored: Ctl) -> None:
    stored("data", "--all", "-f", "bars.parquet")
    reading = stored.container.reading
    query = BarsQuery(("AAPL", "MSFT"))
    assert pq.read_table(stored.folder / "bars.parquet").equals(reading.table(query).combine_chunks())


def test_a_file_that_exists_is_replaced_by_force_only(stored: Ctl) -> None:
    path = stored.folder / "bars.csv"
    path.write_text("mine")
    assert "bars.csv exists" in stored("data", "AAPL", "--file", "bars.csv", code=2).stderr
    assert path.read_text() == "mine"
    stored("data", "AAPL", "--file", "bars.csv", "--force")
    assert len(path.read_text().splitlines()) == 32


def test_a_symbol_without_data_leaves_no_file(stored: Ctl) -> None:
    stored("data", "NONE", "--file", "bars.csv", code=3)
    assert not list(stored.folder.glob("*bars*"))
    stored("data", "NONE", "AAPL", "--file", "bars.csv", code=8)
    assert len((stored.folder / "bars.csv").read_text().splitlines()) == 32


def test_no_bars_are_an_empty_file_of_the_format(stored: Ctl) -> None:
    for ending in ("csv", "json", "parquet"):
        stored("data", "AAPL", "-i", "1m", "--file", f"bars.{ending}")
        assert same_rows(stored.folder / f"bars.{ending}") == []
    assert pq.read_schema(stored.folder / "bars.parquet").names[:2] == ["symbol", "at"]


def test_parquet_goes_to_a_pipe(stored: Ctl) -> None:
    written = stored("data", "AAPL", "-o", "parquet", "--limit", "5").stdout_bytes
    assert pq.read_table(io.BytesIO(written)).num_rows == 5


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("AAPL --file bars.xlsx", "does not end as a format"),
        ("AAPL --file bars.csv -o table", "a table is for people"),
        ("AAPL --file nowhere/bars.csv", "there is no folder nowhere"),
        ("AAPL --file .", "does not end as a format"),
        ("AAPL --file . -o csv", "is a folder"),
        ("AAPL --all", "stands beside symbols"),
        ("-o parquet", "is for bars"),
        ("AAPL --as-of yesterday", "--as-of"),
        ("AAPL --as-of 2199-01-01", "is in the future, and nobody knows what will be known then (leave it away"),
        ("AAPL --start 2026-01-02 --end 2026-01-01", "is not before end"),
    ],
)
def test_what_cannot_be_written_is_refused_with_the_cure(stored: Ctl, arguments: str, told: str) -> None:
    assert told in stored("data", *arguments.split(), code=2).stderr


def test_bars_are_shown_adjusted_and_as_they_were_known(stored: Ctl) -> None:
    split = update(tables.bars).values(split_factor=2.0)
    with stored.container.database.begin() as connection:
        connection.execute(split)
    [newest] = stored.json("data", "AAPL", "--adjusted", "none", "--limit", "1")
    assert (newest["close"], newest["volume"]) == (206, 500)
    assert stored.json("data", "AAPL", "--as-of", "2020-01-01") == []
    assert len(stored.json("data", "AAPL", "--as-of", "0.001s")) == 31


WHY_NONE = {
    "-i 1m": "AAPL: no 1m bars are stored; there are 1d bars: `stockctl backfill -s AAPL -i 1m` collects some",
    "--start 2030-01-01": "AAPL: no 1d bars from 2030-01-01 on; stored are bars from 2024-01-01 to 2024-01-31",
    "--end 2020-01-01": "AAPL: no 1d bars before 2020-01-01; stored are bars from 2024-01-01 to 2024-01-31",
    "--as-of 2020-01-01": "AAPL: no 1d bars were known at 2020-01-01: the first data landed at ",
}


def test_why_there_are_no_bars_is_told_in_every_format(stored: Ctl) -> None:
    for arguments, why in WHY_NONE.items():
        for form in ("table", "csv", "json", "parquet"):
            result = stored("data", "AAPL", *arguments.split(), "-o", form)
            assert result.stderr.startswith(f"stockctl: {why}"), (arguments, form)
    assert stored("data", "AAPL", "-i", "1m", "-o", "csv").stdout.startswith("symbol,at,open,")
    everything = stored("data", "--all", "-i", "1m", "-o", "csv")
    assert everything.stdout.startswith("symbol,at,open,")
    assert everything.stderr == "stockctl: no 1m bars of yahoo are stored: `stockctl data` lists what is\n"


def test_pence_are_shown_as_such(stored: Ctl) -> None:
    with stored.container.database.begin() as connection:
        connection.execute(update(tables.instruments).values(currency="GBP", unit=0.01))
    titles, bar = stored.lines("data", "AAPL", "--limit", "1")
    assert titles.split()[-1] == "CURRENCY"
    assert bar.endswith("0.01 GBP")


def test_a_former_symbol_leads_to_its_instrument_unless_it_names_another(stored: Ctl) -> None:
    stored("symbols", "rename", "AAPL", "APPLE")
    result = stored("data", "AAPL", "-o", "csv")
    assert len(result.stdout.splitlines()) == 32
    assert re.fullmatch(r"stockctl: AAPL was a name until 20\d\d-\d\d-\d\d: it is APPLE now\n", result.stderr)
    stored("symbols", "rename", "MSFT", "AAPL")
    assert stored("data", "AAPL", "-o", "csv").stderr == ""
