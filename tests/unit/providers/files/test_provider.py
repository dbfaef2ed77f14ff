"""Bars, actions and facts from files."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stockjobs.domain.market.bars import CorporateAction, Fact, Identity
from stockjobs.errors import Interrupted, InvalidInput, MalformedReply, ProviderDown, RangeRefused, SymbolUnknown
from stockjobs.providers.base import Patience
from tests.unit.providers.files.folders import HEADER, NOW, asked, opened, patient, row, times, write


def test_a_file_as_yfinance_writes_it_is_read_as_it_is(tmp_path: Path) -> None:
    write(
        tmp_path,
        "7203-T-1d-as-served.csv",
        HEADER,
        "2022-01-05 00:00:00+09:00,193.220001220703,200.839996337891,193.0,196.839996337891,1.0,653125,50.0,0.0",
        "2022-01-04 00:00:00+09:00,4050.0,4134.0,4022.0,4131.0,3888.69091796875,5385000,0.0,5.0",
    )
    reply = asked(opened(tmp_path), "7203.T")
    assert times(reply) == ["2022-01-03 15:00", "2022-01-04 15:00"]
    assert reply.bars.open.tolist() == [4050.0, 193.220001220703]
    assert reply.bars.close.tolist() == [4131.0, 196.839996337891]
    assert reply.bars.volume.tolist() == [5_385_000, 653_125]
    assert not reply.bars.provisional.any()
    assert reply.actions == (
        CorporateAction("split", datetime(2022, 1, 3, 15, tzinfo=UTC), 5.0),
        CorporateAction("dividend", datetime(2022, 1, 4, 15, tzinfo=UTC), 50.0),
    )
    assert reply.identity is not None
    assert (reply.identity.symbol, reply.identity.exchange, reply.identity.zone) == ("7203.T", "JPX", "Asia/Tokyo")
    assert reply.identity.currency == ""


@pytest.mark.parametrize(
    ("name", "symbol", "interval"),
    [
        ("AAPL.csv", "AAPL", "1d"),
        ("aapl.csv", "AAPL", "1d"),
        ("1m/AAPL.csv", "AAPL", "1m"),
        ("1wk/BRK-B.csv", "BRK-B", "1wk"),
        ("AAPL-15m.csv", "AAPL", "15m"),
        ("AAPL_60m.csv", "AAPL", "1h"),
        ("VOD_L_1d.csv", "VOD.L", "1d"),
        ("BTC-USD-1d.csv", "BTC-USD", "1d"),
        ("^GSPC.csv", "^GSPC", "1d"),
        ("M&M.NS.csv", "M&M.NS", "1d"),
        ("EURUSD=X-1h.csv", "EURUSD=X", "1h"),
    ],
)
def test_the_name_of_a_file_says_symbol_and_interval(tmp_path: Path, name: str, symbol: str, interval: str) -> None:
    write(tmp_path, name, HEADER, row("2024-01-02 09:30:00-05:00"))
    reply = asked(opened(tmp_path), symbol, interval)
    assert times(reply) == ["2024-01-02 14:30"]
    assert reply.identity is not None
    assert reply.identity.symbol == symbol


def test_a_file_without_an_interval_has_the_one_that_is_set(tmp_path: Path) -> None:
    write(tmp_path, "AAPL.csv", HEADER, row("2024-01-02 09:30:00-05:00"))
    provider = opened(tmp_path, interval="5m")
    assert len(asked(provider, "AAPL", "5m").bars) == 1
    with pytest.raises(RangeRefused, match="no file for AAPL at 1d"):
        asked(provider, "AAPL", "1d")


def test_a_window_is_start_included_and_end_excluded(tmp_path: Path) -> None:
    days = [f"2024-01-0{day} 00:00:00+00:00" for day in range(1, 6)]
    write(tmp_path, "BTC-USD.csv", HEADER, *(row(day, dividend="1.0") for day in days))
    reply = asked(opened(tmp_path), "BTC-USD", start="2024-01-02", end="2024-01-04")
    assert times(reply) == ["2024-01-02 00:00", "2024-01-03 00:00"]
    assert [action.at.day for action in reply.actions] == [2, 3]
    nothing = asked(opened(tmp_path), "BTC-USD", start="2023-01-01", end="2023-02-01")
    assert len(nothing.bars) == 0
    assert nothing.identity is not None


def test_a_bar_that_is_not_over_yet_is_provisional(tmp_path: Path) -> None:
    write(tmp_path, "BTC-USD.csv", HEADER, row("2024-05-30"), row("2024-05-31"))
    noon = datetime(2024, 5, 31, 12, tzinfo=UTC)
    assert asked(opened(tmp_path), "BTC-USD", now=noon).bars.provisional.tolist() == [False, True]


def test_what_is_empty_stays_null_and_doubles_stay_for_validation(tmp_path: Path) -> None:
    write(
        tmp_path,
        "BTC-USD.csv",
        HEADER,
        "2024-01-03,,NaN,null,,,,,",
        row("2024-01-02", 1.5),
        row("2024-01-02", 2.5, volume="7.6"),
    )
    bars = asked(opened(tmp_path), "BTC-USD").bars
    assert bars.close.tolist()[:2] == [1.5, 2.5]
    assert bars.volume.tolist() == [100, 8, -1]
    assert np.isnan([getattr(bars, name)[2] for name in ("open", "high", "low", "close")]).all()


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("time,o,h,l,c,v", "2024-01-02T14:30:00Z,1,2,0.5,1.5,10"),
        ("<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>", "X.US,D,20240102,093000,1,2,0.5,1.5,10"),
        (",Open,High,Low,Close,Volume", "2024-01-02 09:30:00-05:00,1,2,0.5,1.5,10.0"),
        ("timestamp;open;high;low;close;volume", "1704205800;1;2;0.5;1.5;10"),
        ("timestamp,open,high,low,close,volume", "1704205800000,1,2,0.5,1.5,10"),
        ("at\topen\thigh\tlow\tclose\tvolume", "2024-01-02 09:30\t1\t2\t0.5\t1.5\t10"),
    ],
)
def test_columns_and_times_are_understood_as_they_are_sold(tmp_path: Path, header: str, line: str) -> None:
    write(tmp_path, "X.csv", header, line)
    reply = asked(opened(tmp_path), "X")
    assert times(reply) == ["2024-01-02 14:30"]
    assert [getattr(reply.bars, name)[0] for name in ("open", "high", "low", "close")] == [1.0, 2.0, 0.5, 1.5]
    assert reply.bars.volume.tolist() == [10]


def test_a_file_of_one_symbol_as_yfinance_downloads_it_is_read_as_it_is(tmp_path: Path) -> None:
    heads = ("Price,Close,High,Low,Open,Volume", "Ticker,AAPL,AAPL,AAPL,AAPL,AAPL", "Date,,,,,")
    write(tmp_path, "AAPL.csv", *heads, "2024-01-02,1.5,2,0.5,1,10", "2024-01-03,2.5,3,1.5,2,20")
    bars = asked(opened(tmp_path), "AAPL").bars
    assert (bars.open.tolist(), bars.close.tolist(), bars.volume.tolist()) == ([1.0, 2.0], [1.5, 2.5], [10, 20])


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    at = pa.array([datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC)], pa.timestamp("ns", "UTC"))
    prices = {name: pa.array([10.0, 11.0], pa.float32()) for name in ("Open", "High", "Low", "Close")}
    table = pa.table({"Date": at, **prices, "Volume": [5, None], "Stock Splits": [0.0, 4.0]})
    pq.write_table(table, tmp_path / "BTC-USD_1d.parquet")
    reply = asked(opened(tmp_path), "BTC-USD")
    assert times(reply) == ["2024-01-02 00:00", "2024-01-03 00:00"]
    assert reply.bars.close.tolist() == [10.0, 11.0]
    assert reply.bars.volume.tolist() == [5, -1]
    assert [(action.kind, action.value) for action in reply.actions] == [("split", 4.0)]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_one_file_may_hold_many_symbols(tmp_path: Path, ending: str) -> None:
    columns = {
        "symbol": ["BTC-USD", "ETH-USD", "BTC-USD"],
        "at": ["2024-01-02", "2024-01-02", "2024-01-03"],
        **{name: [1.0, 2.0, 3.0] for name in ("open", "high", "low", "close")},
    }
    if ending == "csv":
        write(
            tmp_path,
            "1d.csv",
            ",".join(columns),
            *(",".join(map(str, one)) for one in zip(*columns.values(), strict=True)),
        )
    else:
        pq.write_table(pa.table(columns), tmp_path / "1d.parquet")
    provider = opened(tmp_path)
    assert asked(provider, "BTC-USD").bars.close.tolist() == [1.0, 3.0]
    assert asked(provider, "ETH-USD").bars.close.tolist() == [2.0]
    with pytest.raises(SymbolUnknown, match="no rows of SOL-USD"):
        asked(provider, "SOL-USD")


def test_instruments_csv_says_what_the_symbols_are(tmp_path: Path) -> None:
    write(
        tmp_path,
        "instruments.csv",
        "symbol,exchange,zone,currency,kind,name,file",
        "AET.L,LSE,Europe/London,GBp,EQUITY,Afentra plc,AET-L-1d-mended.csv",
    )
    write(tmp_path, "AET-L-1d-as-served.csv", HEADER, row("2022-06-06 00:00:00+01:00", 0.145))
    write(tmp_path, "AET-L-1d-mended.csv", HEADER, row("2022-06-06 00:00:00+01:00", 14.55))
    reply = asked(opened(tmp_path), "AET.L")
    assert reply.bars.close.tolist() == [14.55]
    identity = reply.identity
    assert identity is not None
    assert (identity.currency, identity.unit, identity.kind, identity.name) == ("GBP", 0.01, "EQUITY", "Afentra plc")


def test_two_files_that_may_be_meant_are_told_and_none_is_taken(tmp_path: Path) -> None:
    write(tmp_path, "AET-L-1d-one.csv", HEADER, row("2022-06-06"))
    write(tmp_path, "AET-L-1d-two.csv", HEADER, row("2022-06-06"))
    with pytest.raises(MalformedReply, match=r"AET-L-1d-one\.csv, AET-L-1d-two\.csv; keep one"):
        asked(opened(tmp_path), "AET.L")
    write(tmp_path, "AET.L-1d.csv", HEADER, row("2022-06-06", 3.0))
    assert asked(opened(tmp_path), "AET.L").bars.close.tolist() == [3.0]


def test_times_that_deny_the_place_that_the_symbol_names_decide(tmp_path: Path) -> None:
    write(tmp_path, "NESTE.csv", HEADER, row("2024-01-02 00:00:00+02:00"), row("2024-01-03 00:00:00+02:00"))
    identity = asked(opened(tmp_path), "NESTE").identity
    assert identity is not None
    assert (identity.exchange, identity.zone) == ("", "Etc/GMT-2")


def test_days_stand_at_midnight_in_the_zone_of_the_symbol(tmp_path: Path) -> None:
    write(tmp_path, "VOD.L.csv", HEADER, row("2024-01-02"), row("2024-04-02"))
    write(tmp_path, "X.XX.csv", HEADER, row("2024-01-02"))
    assert times(asked(opened(tmp_path), "VOD.L")) == ["2024-01-02 00:00", "2024-04-01 23:00"]
    with pytest.raises(
        MalformedReply, match="row 2, the time: '2024-01-02' cannot be used: has no offset, and no zone"
    ):
        asked(opened(tmp_path), "X.XX")
    assert times(asked(opened(tmp_path, default_zone="Asia/Tokyo"), "X.XX")) == ["2024-01-01 15:00"]


def test_prices_as_traded_are_brought_to_the_shares_of_today(tmp_path: Path) -> None:
    rows = (
        row("2024-01-02", 80.0, "10", dividend="4.0"),
        row("2024-01-03", 20.0, "40", split="4.0"),
        row("2024-01-04", 21.0, "40", dividend="1.0"),
    )
    write(tmp_path, "BTC-USD.csv", HEADER, *rows)
    as_it_is = asked(opened(tmp_path), "BTC-USD")
    assert as_it_is.bars.close.tolist() == [80.0, 20.0, 21.0]
    adjusted = asked(opened(tmp_path, prices="as-traded"), "BTC-USD", end="2024-01-03")
    assert adjusted.bars.close.tolist() == [20.0]
    assert adjusted.bars.volume.tolist() == [40]
    assert [action.value for action in adjusted.actions] == [1.0]


@pytest.mark.parametrize(
    ("interval", "before", "after", "split"),
    [
        # As a list of days has it, beside bars at the open of the session.
        ("1d", "2024-01-02 09:30:00-05:00", "2024-01-03 09:30:00-05:00", "2024-01-03"),
        # At the open, beside bars of days alone.
        ("1d", "2024-01-02 00:00:00-05:00", "2024-01-03 00:00:00-05:00", "2024-01-03 09:30:00-05:00"),
        # At the close of the day.
        ("1h", "2024-01-02 15:30:00-05:00", "2024-01-03 09:30:00-05:00", "2024-01-03 16:00:00-05:00"),
        # In the middle of a week, whose close is in new shares.
        ("1wk", "2023-12-25 00:00:00-05:00", "2024-01-01 00:00:00-05:00", "2024-01-03"),
    ],
)
def test_a_split_counts_from_its_day_on_wherever_in_it_bars_and_split_stand(
    tmp_path: Path, interval: str, before: str, after: str, split: str
) -> None:
    write(tmp_path, f"AAPL-{interval}.csv", HEADER, row(before, 80.0), row(after, 20.0))
    write(tmp_path, "AAPL.actions.csv", "date,kind,value", f"{split},split,4", "2024-01-03,dividend,1")
    reply = asked(opened(tmp_path, prices="as-traded"), "AAPL", interval)
    assert reply.bars.close.tolist() == [20.0, 20.0]
    assert sorted((one.kind, one.value) for one in reply.actions) == [("dividend", 1.0), ("split", 4.0)]


def test_a_split_that_stands_in_the_bars_and_beside_them_counts_once(tmp_path: Path) -> None:
    write(tmp_path, "AAPL.csv", HEADER, row("2024-01-02", 80.0), row("2024-01-03 09:30:00-05:00", 20.0, split="4.0"))
    write(tmp_path, "AAPL.actions.csv", "date,kind,value", "2024-01-03,split,4:1")
    reply = asked(opened(tmp_path, prices="as-traded"), "AAPL")
    assert reply.bars.close.tolist() == [20.0, 20.0]


def test_what_stands_beside_has_to_name_its_columns(tmp_path: Path) -> None:
    write(tmp_path, "AAPL.csv", HEADER, row("2024-01-02"))
    write(tmp_path, "AAPL.actions.csv", "2024-01-03,split,4")
    with pytest.raises(
        MalformedReply, match=r"AAPL\.actions\.csv: no column for date, kind, value; .*'2024-01-03, split, 4'"
    ):
        asked(opened(tmp_path), "AAPL")
    write(tmp_path, "AAPL.facts.csv", "TotalRevenue,annual,2023-09-30,1")
    with pytest.raises(MalformedReply, match=r"AAPL\.facts\.csv: no column for metric, period, as_of, value"):
        opened(tmp_path).facts("AAPL", now=NOW, patience=patient())
    write(tmp_path, "instruments.csv", "AAPL,NMS,USD")
    with pytest.raises(
        MalformedReply, match=r"instruments\.csv: no column for symbol; its first line .*'AAPL, NMS, USD'"
    ):
        asked(opened(tmp_path), "AAPL")


def test_actions_and_facts_may_stand_beside(tmp_path: Path) -> None:
    write(tmp_path, "VOD.L.csv", HEADER, row("2024-04-03"))
    write(tmp_path, "VOD.L.actions.csv", "date,kind,value", "2024-04-02,split,10:1", "2024-04-02,dividend,0.5")
    write(tmp_path, "VOD.L.facts.csv", "metric,period,as_of,value,currency", "NetIncome,annual,2023-12-31,5,GBP")
    provider = opened(tmp_path)
    midnight = datetime(2024, 4, 1, 23, tzinfo=UTC)
    assert asked(provider, "VOD.L").actions == (
        CorporateAction("dividend", midnight, 0.5),
        CorporateAction("split", midnight, 10.0),
    )
    facts = provider.facts("VOD.L", now=NOW, patience=patient()).facts
    assert facts == (Fact("NetIncome", "annual", datetime(2023, 12, 31).date(), 5.0, "GBP"),)


def test_facts_say_of_whom_they_are_where_the_currency_is_known(tmp_path: Path) -> None:
    write(tmp_path, "instruments.csv", "symbol,currency", "VOD.L,GBp", "AAPL,")
    for symbol in ("VOD.L", "AAPL"):
        write(tmp_path, f"{symbol}.facts.csv", "metric,period,as_of,value", "NetIncome,annual,2023-12-31,5")
    provider = opened(tmp_path)
    told = [provider.facts(symbol, now=NOW, patience=patient()).identity for symbol in ("VOD.L", "AAPL")]
    assert told == [Identity("VOD.L", "", "", "GBP", "", unit=0.01), None]


def test_without_facts_the_answer_is_empty_and_without_any_file_the_symbol_is_unknown(tmp_path: Path) -> None:
    write(tmp_path, "AAPL.csv", HEADER, row("2024-01-02"))
    provider = opened(tmp_path)
    assert provider.facts("AAPL", now=NOW, patience=patient()).facts == ()
    with pytest.raises(SymbolUnknown):
        provider.facts("MSFT", now=NOW, patience=patient())


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([HEADER, row("2024-01-02"), "2024-01-03,abc,1,1,1,1,1,0,0"], r"Row #3.*'abc'"),
        ([HEADER, "2024-01-03,1,1"], "Expected 9 columns"),
        ([HEADER, row("02/01/2024")], r"row 2, the time: '02/01/2024' cannot be used"),
        ([HEADER, row("")], "row 2, the time: nothing cannot be used"),
        ([HEADER, row("2024-01-02", split="x")], "row 2, the split: 'x' is no number"),
        ([HEADER, row("2024-01-02", split="-4")], "no ratio"),
        ([HEADER, row("2024-01-02", volume="1e300")], "row 2, the volume"),
        (["Date,Open,High,Low,Volume", "2024-01-02,1,1,1,1"], "no column for close; it has Date, Open"),
        ([""], "no column for"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_file_and_place(tmp_path: Path, lines: list[str], told: str) -> None:
    path = write(tmp_path, "AAPL.csv", *lines)
    with pytest.raises(MalformedReply, match=told) as caught:
        asked(opened(tmp_path), "AAPL")
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_file_of_their_kind_are_told(tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_bytes(b"\xff\xfe\x00garbage")
    (tmp_path / "MSFT.parquet").write_bytes(b"PAR1 cut")
    for symbol in ("AAPL", "MSFT"):
        with pytest.raises(MalformedReply, match="cannot be read"):
            asked(opened(tmp_path), symbol)


def test_a_file_that_changes_is_read_again_and_one_that_comes_is_found(tmp_path: Path) -> None:
    provider = opened(tmp_path)
    with pytest.raises(SymbolUnknown):
        asked(provider, "AAPL")
    path = write(tmp_path, "AAPL.csv", HEADER, row("2024-01-02"))
    assert len(asked(provider, "AAPL").bars) == 1
    write(tmp_path, "AAPL.csv", HEADER, row("2024-01-02"), row("2024-01-03"))
    assert len(asked(provider, "AAPL").bars) == 2
    path.unlink()
    with pytest.raises(SymbolUnknown):
        asked(provider, "AAPL")


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    secret = write(tmp_path, "outside/SECRET.csv", HEADER, row("2024-01-02"))
    root = tmp_path / "root"
    write(root, "instruments.csv", "symbol,file", "AAPL,../outside/SECRET.csv")
    (root / "LINK.csv").symlink_to(secret)
    provider = opened(root)
    with pytest.raises(SymbolUnknown):
        asked(provider, "LINK")
    with pytest.raises(MalformedReply, match="which is not in"):
        asked(provider, "AAPL")
    with pytest.raises(InvalidInput, match="is a path"):
        asked(provider, "../outside/SECRET")


def test_a_folder_that_is_away_is_no_reason_to_give_symbols_up(tmp_path: Path) -> None:
    with pytest.raises(ProviderDown, match="cannot be read: No such file"):
        asked(opened(tmp_path / "unmounted"), "AAPL")


def test_reading_stops_when_it_is_cancelled(tmp_path: Path) -> None:
    write(tmp_path, "AAPL.csv", HEADER, row("2024-01-02"))
    provider = opened(tmp_path)
    with pytest.raises(Interrupted, match="cancelled"):
        provider.facts("AAPL", now=NOW, patience=Patience(time.monotonic() + 10, lambda: True))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, r"providers.files.root: has to be set \(.*STOCKJOBS_PROVIDERS_FILES_ROOT"),
        ({"root": ".", "rot": "x"}, "providers.files.rot: is not an option of the provider files .did you mean root"),
        ({"root": ".", "prices": "raw"}, "providers.files.prices: Input should be 'split-adjusted' or 'as-traded'"),
        ({"root": ".", "interval": "3m"}, "providers.files.interval"),
        ({"root": ".", "default_zone": "Nowhere"}, "is not a time zone"),
    ],
)
def test_a_bad_option_is_refused_with_its_name(options: dict[str, object], told: str) -> None:
    from stockjobs.providers.registry import open_provider

    with pytest.raises(InvalidInput, match=told):
        open_provider("files", options)
