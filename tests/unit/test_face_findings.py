"""Findings from Python: as they are listed by commands."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import stockjobs
from stockjobs.domain.market.bars import BarsReply, BarsRequest
from stockjobs.errors import InvalidInput, NotFound
from stockjobs.face import process
from tests.fixtures.cli import Ctl


@pytest.fixture
def found(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """A job of two symbols whose bars had no volume: noted once for each."""
    serve = ctl.provider.bars

    def bars(request: BarsRequest, **options: object) -> BarsReply:
        reply = serve(request, **options)  # type: ignore[arg-type]
        return replace(reply, bars=replace(reply.bars, volume=np.zeros_like(reply.bars.volume)))

    monkeypatch.setattr(ctl.provider, "bars", bars)
    monkeypatch.setattr(process, "container", lambda: ctl.container)
    ctl.apply("DAILY", mode="backfill", window={"start": "2026-02-02", "end": "2026-02-14"})
    ctl("trigger", "DAILY")
    ctl.work()
    return ctl


def test_findings_are_given_as_values(found: Ctl) -> None:
    assert {(one.symbol, one.rule, one.state) for one in stockjobs.findings()} == {
        ("AAPL", "zero-volume", "noted"),
        ("MSFT", "zero-volume", "noted"),
    }
    [one] = stockjobs.findings("aapl", kind="suspect-bar", state=["noted", "open"], job="DAILY", since="2026-01-01")
    assert (one.symbol, one.interval, one.job) == ("AAPL", "1d", "DAILY")
    assert stockjobs.findings(state="open") == []


def test_words_that_are_none_are_refused(found: Ctl) -> None:
    with pytest.raises(InvalidInput, match="'bad' is not known"):
        stockjobs.findings(state="bad")
    with pytest.raises(NotFound):
        stockjobs.findings(job="NONE")


@pytest.mark.parametrize(
    ("symbols", "start", "told"),
    [
        (None, None, "nothing is neither a symbol nor several"),
        (5, None, "5 is neither a symbol nor several"),
        (b"AAPL", None, "is neither a symbol nor several"),
        (["AAPL", None], None, "nothing is not a text"),
        ("AAPL", 0, "start: 0 is not a day or an instant"),
        ("AAPL", math.nan, "nan is not a day or an instant"),
        ("AAPL", pd.NaT, "NaT is not a day or an instant"),
        ("AAPL", np.datetime64("2026-01-05"), "is not a day or an instant"),
    ],
)
def test_what_is_no_symbol_or_no_time_is_refused(found: Ctl, symbols: Any, start: Any, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        stockjobs.bars(symbols, start=start)


def test_bars_as_of_a_moment_before_the_first_landing_say_so(found: Ctl) -> None:
    with pytest.warns(UserWarning, match="no bars were known at 2020-01-01 .*: the first data landed at "):
        assert stockjobs.bars("AAPL", as_of="2020-01-01").empty


def test_bars_as_of_a_moment_before_a_symbol_named_its_instrument_say_who_bore_it_then(found: Ctl) -> None:
    then = found.container.reports.now()
    found("symbols", "rename", "AAPL", "APPLE")
    found("symbols", "rename", "MSFT", "AAPL")
    told = "no bars of AAPL were known at .*: AAPL named another instrument until .*, which is APPLE now"
    with pytest.warns(UserWarning, match=told):
        assert stockjobs.bars("AAPL", end="2000-01-01", as_of=then).empty
    shown = found("data", "AAPL", "--end", "2000-01-01", "--as-of", then.isoformat()).stderr
    assert "AAPL: no 1d bars were known at" in shown
    assert "AAPL named another instrument until" in shown
