"""The exchanges that schedules may name are those that have a calendar, and cost nothing to know."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from stockjobs.domain.market.exchanges import ALWAYS_OPEN, EXCHANGES, FOREIGN_EXCHANGE, parse_exchange, zone_of
from stockjobs.errors import InvalidInput, NotFound
from stockjobs.markets.calendars import read_calendar
from stockjobs.markets.exchanges import YAHOO_EXCHANGES

UNREADABLE = {"ASEX", "XBEL", "XBSE", "XCYS"}
"""Those with an Orthodox Easter: exchange_calendars 4.13 cannot compute it with pandas 3."""


def test_the_exchanges_are_those_of_the_library() -> None:
    exchange_calendars = pytest.importorskip("exchange_calendars")
    names = exchange_calendars.get_calendar_names(include_aliases=False)
    mics = {name for name in names if len(name) == 4 and "/" not in name}
    assert mics - UNREADABLE == EXCHANGES - {ALWAYS_OPEN, FOREIGN_EXCHANGE}


@pytest.mark.parametrize("mic", sorted(UNREADABLE))
def test_a_calendar_that_the_library_cannot_compute_is_not_found(mic: str) -> None:
    # Where this fails the library has learned it, and the exchange belongs to the others.
    with pytest.raises(NotFound, match=f"the calendar of {mic} cannot be computed"):
        read_calendar(mic, date(2026, 1, 1), date(2026, 12, 31))


def test_an_exchange_of_yahoo_s_dates_its_sessions_as_yahoo_does() -> None:
    for known in YAHOO_EXCHANGES:
        if known.mic not in (ALWAYS_OPEN, FOREIGN_EXCHANGE):
            assert zone_of(known.mic).key == known.zone


@pytest.mark.parametrize(
    ("text", "cure"), [("XNYC", "XNYS"), ("xlon", "XLON"), ("24/6", "24/5"), ("Mars", "a MIC such as")]
)
def test_an_unknown_exchange_is_refused_with_the_nearest(text: str, cure: str) -> None:
    with pytest.raises(InvalidInput, match=f"is not an exchange with a calendar .*{cure}"):
        parse_exchange(text)


@pytest.mark.parametrize(
    ("text", "cure"),
    [("NASDAQ", "Nasdaq trades by XNYS"), ("xnas", "Nasdaq trades by XNYS"), ("FX", "a currency pair trades by 24/5")],
)
def test_a_market_known_by_another_name_is_refused_with_its_own(text: str, cure: str) -> None:
    with pytest.raises(InvalidInput, match=rf"\({cure}\)"):
        parse_exchange(text)


def test_every_code_of_yahoo_s_is_refused_with_the_exchange_that_it_stands_for() -> None:
    for known in YAHOO_EXCHANGES:
        with pytest.raises(InvalidInput, match=rf"{known.mic}\)$"):
            parse_exchange(known.code)


def test_the_names_of_the_calendars_library_lead_to_the_same_calendar() -> None:
    utilities = pytest.importorskip("exchange_calendars.calendar_utils")
    for name, mic in utilities._default_calendar_aliases.items():
        if mic in EXCHANGES:
            with pytest.raises(InvalidInput, match=mic):
                parse_exchange(name)


def test_no_calendar_is_loaded_before_one_is_computed() -> None:
    code = (
        "import sys; from datetime import *; from stockjobs.domain.work.jobs import ScheduleSpec\n"
        "from stockjobs.markets.sessions import sessions\n"
        "now = datetime(2026, 1, 1, tzinfo=UTC)\n"
        "def rule(**fields): return ScheduleSpec.model_validate(fields).rule(sessions)\n"
        "rule(cron='* * * * *').after(now); rule(session='@open', calendar={'exchange': 'XNYS'})\n"
        "rule(session='@open', calendar={'exchange': '24/5'}).after(now)\n"
        "assert not {'exchange_calendars', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
