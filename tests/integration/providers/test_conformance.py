"""Every provider does what every provider has to; and one that does not is found out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.market.bars import BarsReply, BarsRequest, FactsReply, Identity
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import HeldBack, SymbolUnknown
from stockjobs.providers.base import Patience, Provider
from stockjobs.providers.conformance import CHECKS, Broken, Check, Question, results
from stockjobs.providers.registry import open_provider
from stockjobs.providers.yahoo.options import Engine, YahooOptions
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.house import bars_of
from tests.unit.providers.files.folders import HEADER, row, write

pytestmark = pytest.mark.integration

START, END, NOW = (datetime(2026, 6, day, tzinfo=UTC) for day in (1, 9, 13))


@pytest.mark.parametrize("engine", ["chart", "history"])
@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_yahoo_conforms(yahoo: SimulatorClient, engine: Engine, check: Check) -> None:
    yahoo.set_clock(NOW)
    options = YahooOptions(engine, yahoo.url, timedelta(seconds=10))
    check.run(Question(partial(open_provider, "yahoo", options), "VOD.L", Interval.D1, START, END, NOW))


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_files_conform(tmp_path: Path, check: Check) -> None:
    days = [f"2026-06-{day:02}" for day in range(1, 13)]
    write(tmp_path, "VOD.L.csv", HEADER, *(row(day, float(number), split="2.0") for number, day in enumerate(days, 5)))
    opener = partial(open_provider, "files", {"root": str(tmp_path), "prices": "as-traded"})
    check.run(Question(opener, "VOD.L", Interval.D1, START, END, NOW))


class Good:
    """A provider that does as it should."""

    name = "good"

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        patience.remaining()
        if request.symbol != "AAPL":
            raise SymbolUnknown(request.symbol)
        identity = Identity("AAPL", "NMS", "America/New_York", "USD", "EQUITY")
        return BarsReply(identity, bars_of(request.start, min(request.end, now), request.interval))

    def facts(self, symbol: str, *, now: datetime, patience: Patience) -> FactsReply:
        return FactsReply(symbol, ())

    def limits(self, interval: Interval) -> Limits:
        return Limits()

    def close(self) -> None:
        """Nothing is open."""


Deed = Callable[[BarsReply], BarsReply]


class Bad(Good):
    """One that spoils what it gives."""

    def __init__(self, deed: Deed) -> None:
        self.deed = deed

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        return self.deed(super().bars(request, now=now, patience=patience))


def _question(provider: Provider) -> Question:
    return Question(lambda: provider, "AAPL", Interval.D1, START, END, NOW)


def test_a_provider_that_does_as_it_should_passes_every_check() -> None:
    assert [result for result in results(_question(Good())) if result.problem] == []


def _later(reply: BarsReply) -> BarsReply:
    return replace(reply, bars=replace(reply.bars, at=reply.bars.at + 86_400 * 5))


def _random(reply: BarsReply) -> BarsReply:
    return replace(reply, bars=replace(reply.bars, close=np.random.default_rng().random(len(reply.bars))))


def _file(reply: BarsReply) -> BarsReply:
    Path(f"left-{np.random.default_rng().integers(2**60)}").touch()
    return reply


@pytest.mark.parametrize(
    ("deed", "caught"),
    [
        (_later, {"window", "future"}),
        (lambda reply: replace(reply, bars=reply.bars.where(np.arange(len(reply.bars))[::-1])), {"order"}),
        (lambda reply: replace(reply, identity=None), {"identity"}),
        (_random, {"repeatable", "threads", "forks", "closing"}),
        (_file, {"working_folder"}),
        (lambda reply: replace(reply, bars=replace(reply.bars, volume=reply.bars.volume[:-1])), {"columns"}),
    ],
)
def test_one_that_does_not_is_found_out(
    deed: Deed, caught: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = {str(result.check) for result in results(_question(Bad(deed))) if result.problem}
    assert caught <= found


class Deaf(Good):
    """One that heeds neither deadline nor cancelling, and knows every symbol."""

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        endless = Patience(float("inf"))
        with suppress(HeldBack), patience.request():
            pass
        return super().bars(replace(request, symbol="AAPL"), now=now, patience=endless)


def test_one_that_heeds_nobody_is_found_out() -> None:
    found = {str(result.check) for result in results(_question(Deaf())) if result.problem}
    assert {"deadline", "cancelling", "gate", "unknown_symbol"} <= found


def test_an_error_that_nobody_foresaw_is_told_as_a_problem() -> None:
    def fail(reply: BarsReply) -> BarsReply:
        raise ZeroDivisionError("by nothing")

    with pytest.raises(Broken, match="ZeroDivisionError: by nothing"):
        CHECKS[0].run(_question(Bad(fail)))


def test_the_checks_need_no_pytest() -> None:
    program = "import sys, stockjobs.providers.conformance; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
