"""What instruments are and were called."""

from __future__ import annotations

import pytest

from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.symbol_health import Health, Standing
from stockjobs.store.market import findings, health, instruments
from tests.fixtures.cli import Ctl


@pytest.fixture
def stored(ctl: Ctl) -> Ctl:
    """A month of daily bars of two symbols."""
    ctl("backfill", "-s", "AAPL,MSFT", "--start", "2024-01-01", "--end", "2024-02-01")
    ctl.work()
    return ctl


def test_symbols_are_listed_with_what_they_name(stored: Ctl) -> None:
    lines = stored.lines("symbols")
    assert [(words[0], *words[3:6]) for words in map(str.split, lines[1:])] == [
        ("AAPL", "NMS", "USD", "active"),
        ("MSFT", "NMS", "USD", "active"),
    ]
    assert max(map(len, lines)) <= 80
    assert "America/New_York" in stored("symbols", "-o", "wide").stdout


def test_symbols_are_listed_by_name_and_those_of_one_instrument_by_time(stored: Ctl) -> None:
    stored("symbols", "rename", "AAPL", "ZAPL")
    stored("backfill", "-s", "IBM", "--start", "2024-01-01", "--end", "2024-02-01")
    stored.work()
    assert [line.split()[0] for line in stored.lines("symbols")[1:]] == ["AAPL", "IBM", "MSFT", "ZAPL"]
    stored("symbols", "rename", "MSFT", "ALPHA")
    assert [line.split()[0] for line in stored.lines("symbols", "show", "ALPHA")[1:]] == ["MSFT", "ALPHA"]


def test_a_renamed_symbol_is_shown_with_both_names_and_its_permanent_id(stored: Ctl) -> None:
    assert stored("symbols", "rename", "AAPL", "APPL").stdout == "symbol/AAPL renamed to APPL\n"
    old, new = stored.json("symbols", "show", "APPL")
    assert (old["symbol"], old["health"]["state"], old["health"]["successor"]) == ("AAPL", "renamed", "APPL")
    assert old["validTo"] == new["validFrom"]
    assert old["instrument"]["uid"] == new["instrument"]["uid"]
    assert "nothing is stored for 'NONE'" in stored("symbols", "show", "NONE", code=3).stderr
    assert "names instrument" in stored("symbols", "rename", "APPL", "MSFT", code=5).stderr
    for again in (("rename", "AAPL", "META"), ("redenominate", "AAPL")):
        assert "AAPL was a name until 20" in (told := stored("symbols", *again, code=3).stderr)
        assert "it is APPL now" in told


def test_a_dead_symbol_is_revived(stored: Ctl) -> None:
    database = stored.container.ready_database
    with database.begin() as connection:
        health.write(connection, "yahoo", {"AAPL": Standing(Health.DEAD, 9)}, database.now(connection))
    assert stored.json("symbols", "show", "AAPL")[0]["health"]["state"] == "dead"
    assert stored("symbols", "revive", "aapl").stdout == "symbol/AAPL is active again\n"
    assert stored("symbols", "revive", "AAPL").stdout == "symbol/AAPL was active already\n"
    assert stored("symbols", "revive", "NONE", code=3)


def test_a_renaming_names_the_jobs_that_name_the_old_symbol(stored: Ctl) -> None:
    stored.apply("FACTS", type="fundamentals")
    told = stored("symbols", "rename", "AAPL", "APPL").stderr
    assert "FACTS" in told
    assert told.endswith(" still name AAPL: it is asked for as APPL\n")


def test_a_source_that_tells_another_unit_is_believed_once_it_is_accepted(stored: Ctl) -> None:
    assert "no finding says that its source tells another" in stored("symbols", "redenominate", "AAPL", code=5).stderr
    _tell(stored, "USD", 0.01)
    said = stored("symbols", "redenominate", "AAPL").stdout
    assert said.startswith("symbol/AAPL is in 0.01 USD now: ")
    assert stored.json("symbols", "show", "AAPL")[0]["instrument"]["unit"] == 0.01


def _tell(stored: Ctl, currency: str, unit: float) -> None:
    """Let the source tell Apple in another currency or unit."""
    database = stored.container.ready_database
    with database.begin() as connection:
        number = instruments.by_symbol(connection, "yahoo", ["AAPL"])["AAPL"].id
        evidence = {"currency": currency, "unit": unit}
        told = findings.Finding(FindingKind.IDENTITY, "AAPL", "other", number, evidence=evidence)
        findings.land(connection, [told], database.now(connection))


def test_a_currency_that_was_accepted_by_mistake_is_taken_back(stored: Ctl) -> None:
    _tell(stored, "EUR", 1.0)
    accepted = stored("symbols", "redenominate", "AAPL")
    assert "AAPL names a new instrument, in EUR, from now on; what is stored in USD stays" in accepted.stdout
    assert "asks for its history in EUR" in accepted.stderr
    _tell(stored, "USD", 0.01)
    back = stored("symbols", "redenominate", "AAPL", "--former-as", "AAPL-EUR")
    assert "AAPL names the instrument again that it named before, in 0.01 USD, from now on" in back.stdout
    assert "of it converted to 0.01 USD" in back.stderr
    assert "asks for its history" not in back.stderr
