"""What was declared by hand: splits, restated bars, holes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stockjobs.simulator.edits import DeclaredSplit, Restated
from stockjobs.simulator.market import Market
from tests.unit.simulator.conftest import Ask


def test_a_declared_split_rewrites_history_and_is_an_event(ask: Ask, market: Market) -> None:
    _, before = ask("AAPL", range="1mo", interval="1d")
    market.edits.splits["AAPL"].append(DeclaredSplit(market.clock.now(), 4, 1))
    _, after = ask("AAPL", range="1mo", interval="1d", events="splits")
    old, new = before["indicators"]["quote"][0], after["indicators"]["quote"][0]
    assert new["close"] == pytest.approx([price / 4 for price in old["close"]], rel=1e-6)
    assert new["volume"] == [volume * 4 for volume in old["volume"]]
    assert [split["splitRatio"] for split in after["events"]["splits"].values()] == ["4:1"]


def test_a_split_in_the_future_changes_nothing_yet(ask: Ask, market: Market) -> None:
    _, before = ask("AAPL", range="1mo", interval="1d")
    market.edits.splits["AAPL"].append(DeclaredSplit(market.clock.now() + 60, 4, 1))
    assert ask("AAPL", range="1mo", interval="1d")[1]["indicators"] == before["indicators"]
    market.clock.advance(61)
    assert ask("AAPL", range="1mo", interval="1d")[1]["indicators"] != before["indicators"]


def test_a_restated_day_changes_alone(ask: Ask, market: Market) -> None:
    _, before = ask("AAPL", range="5d", interval="1d")
    market.edits.restated["AAPL"].append(Restated(day="2026-02-27", values=(("close", 1.5), ("volume", None))))
    _, after = ask("AAPL", range="5d", interval="1d")
    old, new = before["indicators"]["quote"][0], after["indicators"]["quote"][0]
    assert (new["close"][2], new["volume"][2]) == (1.5, None)
    assert new["close"][:2] + new["close"][3:] == old["close"][:2] + old["close"][3:]


def test_a_restated_minute_changes_by_a_factor(ask: Ask, market: Market) -> None:
    at = int(datetime(2026, 3, 3, 15, 0, tzinfo=UTC).timestamp())
    _, before = ask("AAPL", range="1d", interval="5m")
    market.edits.restated["AAPL"].append(Restated(at=at, factor=2.0))
    _, after = ask("AAPL", range="1d", interval="5m")
    row = before["timestamp"].index(at)
    assert after["indicators"]["quote"][0]["low"][row] == 2 * before["indicators"]["quote"][0]["low"][row]


def test_holes_are_rows_of_nulls(ask: Ask, market: Market) -> None:
    market.edits.holes["AAPL"] = 7
    _, chart = ask("AAPL", range="1mo", interval="1d")
    quote = chart["indicators"]["quote"][0]
    empty = [row for row, close in enumerate(quote["close"]) if close is None]
    assert 0 < len(empty) < len(quote["close"]) / 2
    assert all(quote[name][row] is None for row in empty for name in ("open", "high", "low", "volume"))
