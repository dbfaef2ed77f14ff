"""What several providers tell of the same symbols, and what one has that another has not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stockjobs.domain.market.findings import FindingKind
from stockjobs.store.market import findings, instruments
from tests.fixtures.cli import Ctl

_WINDOW = ("--start", "2024-01-01", "--end", "2024-01-05")


@pytest.fixture
def stored(ctl: Ctl) -> Ctl:
    """Bars of AAPL from two providers, and of NEWCO from the second; something is wrong with each AAPL."""
    ctl("backfill", "-s", "AAPL", *_WINDOW)
    ctl("backfill", "-s", "AAPL,NEWCO", "--provider", "files", *_WINDOW)
    ctl.work()
    database = ctl.container.ready_database
    with database.begin() as connection:
        for provider in ("yahoo", "files"):
            number = instruments.by_symbol(connection, provider, ["AAPL"])["AAPL"].id
            told = findings.Finding(FindingKind.IDENTITY, "AAPL", "other", number)
            findings.land(connection, [told], datetime(2024, 1, 5, tzinfo=UTC))
    return ctl


def test_what_another_provider_has_is_told_with_its_name(stored: Ctl) -> None:
    told = "nothing is stored for 'NEWCO' of yahoo; files has it: --provider files\n"
    for verb in (("data",), ("coverage",), ("gaps",), ("repair",)):
        assert stored(*verb, "NEWCO", code=3).stderr == f"stockctl: {told}", verb
        assert "nothing is stored for 'NONE': `stockctl data` lists" in stored(*verb, "NONE", code=3).stderr
    assert told in stored("data", "AAPL", "NEWCO", code=8).stderr
    assert "never collected of yahoo; files has it: --provider files" in stored("coverage", "AAPL", "NEWCO").stdout
    for verb in (("rename", "NEWCO", "OLDCO"), ("redenominate", "NEWCO"), ("revive", "NEWCO")):
        refused = stored("symbols", *verb, code=3).stderr
        assert refused == "stockctl: 'NEWCO' names nothing at yahoo; files has it: --provider files\n", verb
    assert len(stored.lines("data", "NEWCO", "--provider", "files")) == 5


def test_a_list_of_what_is_stored_is_of_one_provider_if_it_is_named(stored: Ctl) -> None:
    def listed(*options: str) -> list[tuple[str, str]]:
        return [(line.split()[0], line.split()[-1]) for line in stored.lines("data", *options)[1:]]

    assert sorted(listed()) == [("AAPL", "files"), ("AAPL", "yahoo"), ("NEWCO", "files")]
    assert listed("--provider", "files") == [("AAPL", "files"), ("NEWCO", "files")]
    assert listed("--provider", "yahoo") == [("AAPL", "yahoo")]
    assert "there is no provider 'yaho'" in stored("data", "--provider", "yaho", code=2).stderr


def test_of_findings_and_symbols_it_is_told_whose_they_are(stored: Ctl) -> None:
    titles, *rows = stored.lines("get", "findings", "-o", "wide")
    start = titles.index("PROVIDER")
    assert sorted(row[start:].split()[0] for row in rows) == ["files", "yahoo"]
    [one] = stored.json("get", "findings", "--provider", "files")
    assert (one["symbol"], one["provider"]) == ("AAPL", "files")
    assert "Provider:  files" in stored("describe", "finding", one["id"]).stdout
    assert stored.json("describe", "finding", one["id"])["provider"] == "files"
    assert stored.lines("reject", "--provider", "files") == ["1 finding rejected"]
    assert [one["provider"] for one in stored.json("get", "findings", "--state", "open")] == ["yahoo"]
    assert "there is no provider 'yaho'" in stored("reject", "--provider", "yaho", code=2).stderr
    titles, *rows = stored.lines("symbols")
    start = titles.index("PROVIDER")
    assert [(row.split()[0], row[start:].split()[0]) for row in rows] == [
        ("AAPL", "files"),
        ("AAPL", "yahoo"),
        ("NEWCO", "files"),
    ]
