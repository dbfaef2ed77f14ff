"""Findings by commands: listed, described, released and rejected; and the table of rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stockjobs.cli import tables
from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest
from stockjobs.domain.market.findings import FindingKind
from stockjobs.providers.base import Patience
from stockjobs.store.market.findings import Finding, land
from tests.fixtures.cli import Ctl

WINDOW = {"mode": "backfill", "window": {"start": "2026-02-02", "end": "2026-02-14"}}
BAD = int(datetime(2026, 2, 10, tzinfo=UTC).timestamp())


@pytest.fixture
def found(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """A bar of each of two symbols was set aside."""
    spoil(ctl, monkeypatch)
    ctl.apply("DAILY", **WINDOW)
    ctl("trigger", "DAILY")
    ctl.work()
    return ctl


def spoil(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the provider serve a bar that cannot be from now on."""
    serve = ctl.provider.bars

    def bars(request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        reply = serve(request, now=now, patience=patience)
        return replace(reply, bars=_spoiled(reply.bars))

    monkeypatch.setattr(ctl.provider, "bars", bars)


def _spoiled(bars: Bars) -> Bars:
    high = bars.high.copy()
    high[bars.at == BAD] = 50.0
    return replace(bars, high=high)


def test_findings_are_listed_with_what_they_are_about(found: Ctl) -> None:
    titles, *rows = found.lines("get", "findings")
    assert titles.split() == ["ID", "SYMBOL", "INTERVAL", "AT", "KIND", "RULE", "STATE", "AGE"]
    assert sorted(row.split()[1:8] for row in rows) == [
        [symbol, "1d", "2026-02-10", "00:00Z", "rejected-bar", "high-below-low", "open"] for symbol in ("AAPL", "MSFT")
    ]
    [one] = found.json(
        "get", "findings", "--symbol", "aapl", "--kind", "rejected-bar", "--job", "DAILY", "--since", "1d"
    )
    assert (one["symbol"], one["job"], one["evidence"]["high"]) == ("AAPL", "DAILY", 50.0)


def test_on_a_narrow_terminal_it_is_still_said_of_which_kind_findings_are(
    found: Ctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "width", lambda: 80)
    titles, *rows = found.lines("get", "findings")
    assert titles.split() == ["ID", "SYMBOL", "AT", "KIND", "RULE", "STATE"]
    assert max(map(len, rows)) <= 80


def test_an_occurrence_says_how_much_of_what_came_was_set_aside(found: Ctl) -> None:
    [report] = found.container.reports.occurrences()
    [line] = found.lines("wait", str(report.occurrence.id))
    assert line.endswith(" rows written, 2 set aside: `stockctl get findings`)")
    text = found("describe", "occurrence", str(report.occurrence.id)).stdout
    assert "Set aside:      2 rows: `stockctl get findings` says why" in text
    assert "   SET ASIDE   " in text
    assert "2 done: collected, or with nothing to ask for" in text
    [listed] = found.json("get", "occurrences")
    assert listed["rowsAside"] == 2
    titles, row = found.lines("get", "occurrences")
    assert row[titles.index("SET ASIDE") :].split()[0] == "2"
    assert "; set aside: 2)" in str(found.container.reports.occurrence(str(report.occurrence.id)))


def test_a_finding_is_described_with_its_bars(found: Ctl) -> None:
    name = found.lines("get", "findings", "--symbol", "AAPL", "-o", "name")[0]
    text = found("describe", "finding", name).stdout
    assert "rejected-bar, rule high-below-low" in text
    assert found("describe", name).stdout == text
    assert "high is below low" in text
    assert text.splitlines()[-1].split() == [
        "2026-02-10",
        "00:00Z",
        "set",
        "aside",
        "104.00",
        "50.00",
        "103.00",
        "104.00",
        "1,000",
    ]


def test_a_finding_is_described_for_programs_too(found: Ctl) -> None:
    name = found.lines("get", "findings", "--symbol", "AAPL", "-o", "name")[0]
    told = found.json("describe", "finding", name)
    assert (told["rule"], told["toDo"]) == ("high-below-low", None)
    assert told["bars"]["stored"] == []
    bar = {"at": "2026-02-10T00:00:00Z", "open": 104.0, "high": 50.0, "low": 103.0, "close": 104.0, "volume": 1000}
    assert told["bars"]["aside"] == told["bars"]["told"] == [bar]


def test_what_options_take_is_listed_by_the_help(ctl: Ctl) -> None:
    told = " ".join(ctl("get", "findings", "-h").stdout.split())
    assert "unclear-shares, revision, " in told
    assert "open, noted, released, rejected, mended." in told
    assert "spike, jump, " in told


def test_a_finding_is_released_by_its_first_digits_and_only_once(found: Ctl) -> None:
    [digits] = [row.split()[0] for row in found.lines("get", "findings", "--symbol", "AAPL")[1:]]
    assert found.lines("release", digits) == ["1 finding released, 1 bar written"]
    assert f"finding {digits} of AAPL is released" in found("release", digits, code=5).stderr
    assert len(found.json("data", "AAPL", "--limit", "0")) == 12


def test_what_another_provider_told_is_asked_of_it_again(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(ctl, monkeypatch)
    ctl.apply("BOUGHT", **WINDOW, provider="files")
    ctl("trigger", "BOUGHT")
    ctl.work()
    ctl("release", "--symbol", "AAPL", "--rule", "high-below-low")
    [digits] = [row.split()[0] for row in ctl.lines("get", "findings", "--symbol", "AAPL")[1:]]
    window = "--start 2026-02-10 --end 2026-02-11"
    cure = f"`stockctl backfill --symbols AAPL --interval 1d {window} --refetch --provider files`"
    assert cure in ctl("reject", digits, code=5).stderr
    none = ctl("data", "AAPL", "--provider", "files", "-i", "1m").stderr
    assert "`stockctl backfill -s AAPL -i 1m --provider files` collects some" in none


def test_findings_that_options_describe_are_decided(found: Ctl) -> None:
    assert found.lines("reject", "--symbol", "MSFT", "--rule", "high-below-low") == ["1 finding rejected"]
    assert found.lines("release", "--all") == ["1 finding released, 1 bar written"]
    assert found.lines("reject", "--all") == ["0 findings rejected"]
    told = "none of those that are meant is open (1 rejected): one that is rejected is released by its id"
    assert told in found("release", "--symbol", "MSFT").stderr
    assert [one["state"] for one in found.json("get", "findings", "--state", "rejected,released")].count(
        "rejected"
    ) == 1


def test_a_good_stored_bar_is_shown_beside_the_other_and_gives_way_only_if_told_so(
    ctl: Ctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    for refetch in ((), ("--refetch",)):
        ctl("backfill", "-s", "AAPL", "--start", "2026-02-02", "--end", "2026-02-14", *refetch)
        ctl.work()
        spoil(ctl, monkeypatch)
    [name] = ctl.lines("get", "findings", "-o", "name")
    aside, stored = (line.split()[2:] for line in ctl.lines("describe", "finding", name)[-2:])
    assert aside == ["set", "aside", "104.00", "50.00", "103.00", "104.00", "1,000"]
    assert stored == ["stored", "104.00", "105.00", "103.00", "104.00", "1,000"]
    assert "--replace" in ctl("release", name, code=5).stderr
    told = ctl("release", "--all", code=5).stderr
    assert told.startswith("stockctl: 1 finding cannot be released so: finding ")
    assert "--replace" in told
    ctl("reject", name)
    assert "Leave it rejected, or release it with --replace" in ctl("release", name, code=5).stderr
    ctl("release", name, "--replace")


def test_why_some_of_several_cannot_be_released_is_told(found: Ctl) -> None:
    database = found.container.ready_database
    with database.begin() as connection:
        told = [Finding(FindingKind.NO_ROWS, symbol, f"nothing of {symbol}") for symbol in ("AAPL", "MSFT")]
        land(connection, told, database.now(connection))
    result = found("release", "--all", code=8)
    assert result.stdout == "2 findings released, 2 bars written\n"
    assert result.stderr.startswith("stockctl: 2 findings cannot be released so, such as: finding ")
    assert "holds no bars that could be released" in result.stderr
    assert result.stderr.endswith("(`stockctl release ID` says of each why)\n")
    assert found("release", "-s", "AAPL", code=5).stdout == "0 findings released, 0 bars written\n"


@pytest.mark.parametrize("verb", ["release", "reject"])
@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        ((), 2, "or --all"),
        (("abcd", "--all"), 2, "give the ids alone"),
        (("00000000",), 3, "there is no finding"),
        (("xyz",), 2, "is not the id of a finding"),
        (("--kind", "bad"), 2, "'bad' is not known (one of rejected-bar"),
        (("--job", "NONE"), 3, "NONE"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    ctl: Ctl, verb: str, options: tuple[str, ...], code: int, complaint: str
) -> None:
    assert complaint in ctl(verb, *options, code=code).stderr


def test_the_rules_are_listed_as_a_job_has_them(ctl: Ctl) -> None:
    ctl.apply("QUIET", validation={"zero-volume": "off"})
    as_is = {one["rule"]: one for one in ctl.json("get", "rules")}
    switched = {one["rule"]: one for one in ctl.json("get", "rules", "--job", "QUIET")}
    assert (as_is["zero-volume"]["severity"], as_is["unit-jump"]["severity"]) == ("note", "hold")
    assert (switched["zero-volume"]["severity"], switched["zero-volume"]["default"]) == ("off", "note")
    assert "zero-volume: off" in ctl("describe", "job", "QUIET").stdout
