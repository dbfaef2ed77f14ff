"""Asking for work that starts later, or after other work, and seeing why it waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stockjobs.errors import SymbolUnknown
from tests.fixtures.cli import Ctl
from tests.unit.cli.test_trigger import waited


def asked(ctl: Ctl, *arguments: str) -> str:
    """Ask for an occurrence, and give its name."""
    return ctl(*arguments, "-o", "name").stdout.strip()


def test_what_comes_after_other_work_waits_for_it_and_says_so(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    first = asked(ctl, "trigger", "DAILY")
    second = asked(ctl, "backfill", "-s", "NVDA", "--period", "5d", "--after", first)
    shown = ctl("describe", "occurrence", second).stdout
    assert "State:          scheduled" in shown
    assert f"Waits for:      DAILY {first.removeprefix('occurrence/')[:8]}, which is queued" in shown
    assert "if it does not succeed: skip" in shown
    ctl.work()
    ctl.container.dispatch.waiting.resolve()
    shown = ctl("describe", "occurrence", second).stdout
    assert "State:          queued" in shown
    assert "Waited for:     DAILY" in shown


@pytest.mark.parametrize(("policy", "state"), [("skip", "skipped"), ("fail", "failed"), ("run", "queued")])
def test_what_becomes_of_it_when_the_other_fails_is_told_beforehand(ctl: Ctl, policy: str, state: str) -> None:
    ctl.apply("DAILY", "NEXT")
    ctl.provider.errors = {"AAPL": [SymbolUnknown("nobody knows it")]}
    first = asked(ctl, "trigger", "DAILY")
    asked(ctl, "trigger", "NEXT", "--after", first, "--on-failure", policy)
    ctl.work()
    ctl.container.dispatch.waiting.resolve()
    assert [one["state"] for one in ctl.json("get", "occurrences", "--job", "NEXT")] == [state]


def test_waiting_for_what_is_skipped_is_exit_code_7_with_the_reason(ctl: Ctl) -> None:
    ctl.apply("DAILY", "NEXT")
    ctl.provider.errors = {"AAPL": [SymbolUnknown("nobody knows it")]}
    first = asked(ctl, "trigger", "DAILY")
    ctl.work()
    error = ctl("trigger", "NEXT", "--after", first, "--timeout", "30s", code=7).stderr
    assert "skipped: it waited for 'DAILY', which failed" in error


def test_half_a_success_whose_rows_were_stored_before_is_exit_code_8(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("trigger", "DAILY")
    ctl.work()
    ctl.provider.errors = {"MSFT": [SymbolUnknown("nobody knows it")]}
    out, _ = waited(ctl, "trigger", "DAILY", "--wait", code=8)
    assert "0 rows written" in out


def test_a_scheduled_time_is_what_it_is_about_and_when_it_starts(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    name = asked(ctl, "trigger", "DAILY", "--at", "2198-03-04T12:00:00Z")
    (one,) = ctl.json("get", "occurrences")
    assert (one["state"], one["scheduledFor"], one["startAfter"]) == (
        "scheduled",
        "2198-03-04T12:00:00Z",
        "2198-03-04T12:00:00Z",
    )
    (task,) = ctl.json("get", "tasks")
    assert (task["about"], task["state"]) == ("2198-03-04T12:00:00Z", "scheduled")
    assert "Not before:     2198-03-04" in ctl("describe", "occurrence", name).stdout


def test_work_about_a_day_before_starts_at_once(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    asked(ctl, "trigger", "DAILY", "--at", "2026-01-05T12:00:00Z")
    (one,) = ctl.json("get", "occurrences")
    assert (one["state"], one["startAfter"]) == ("queued", None)
    (task,) = ctl.json("get", "tasks")
    assert task["about"] == "2026-01-05T12:00:00Z"


@pytest.mark.parametrize(("typed", "length"), [("10m", 600), ("PT10M", 600), ("1h30m", 5_400)])
def test_a_later_start_may_be_a_length_of_time_and_leaves_what_it_is_about(ctl: Ctl, typed: str, length: int) -> None:
    ctl.apply("DAILY")
    asked(ctl, "trigger", "DAILY", "--start-after", typed)
    (one,) = ctl.json("get", "occurrences")
    start, about = (datetime.fromisoformat(one[name]) for name in ("startAfter", "scheduledFor"))
    assert abs(start - about - timedelta(seconds=length)) < timedelta(seconds=5)
    assert abs(about - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--start-after", "-5m"), "--start-after: '-5m' is a negative time"),
        (("--start-after", "-PT5M"), "--start-after: '-PT5M' is a negative time"),
        (("--start-after", "0s"), "--start-after: '0s' is not a positive duration"),
        (("--start-after", "soon"), "--start-after: 'soon' is not a length of time"),
        (
            ("--start-after", "2026-01-31T15:30:00"),
            "--start-after: '2026-01-31T15:30:00' is not an instant with a zone",
        ),
        (("--start-after", "90000d"), "longer than a hundred years"),
        (("--start-after", "9000000d"), "longer than a hundred years"),
        (("--at", "1492-10-12T00:00:00Z"), "--at: '1492-10-12T00:00:00Z' is outside of the years"),
        (
            ("--at", "1969-07-20T20:17:00Z"),
            "scheduled_at: 1969-07-20T20:17:00+00:00 is outside of the years 1970 to 2199",
        ),
        (("--at", "2026-02-30T00:00:00Z"), "--at: '2026-02-30T00:00:00Z' is not a possible instant"),
    ],
)
def test_a_time_that_cannot_be_is_refused_and_nothing_is_asked(ctl: Ctl, arguments: tuple[str, ...], told: str) -> None:
    ctl.apply("DAILY")
    assert told in ctl("trigger", "DAILY", *arguments, code=2).stderr
    assert told in ctl("backfill", "-s", "AAPL", *arguments, code=2).stderr
    assert ctl.container.reports.occurrences() == []
    assert len(ctl.container.reports.jobs()) == 1


def test_work_after_what_is_not_there_is_not_found_and_makes_no_job(ctl: Ctl) -> None:
    assert "there is no occurrence 'abcd'" in ctl("backfill", "-s", "AAPL", "--after", "abcd", code=3).stderr
    assert ctl.container.reports.jobs() == []


def test_what_people_said_of_a_job_is_shown_with_its_occurrences(ctl: Ctl) -> None:
    ctl.apply("DAILY", description="All of the daily bars.", tags=["eod", "us"])
    name = asked(ctl, "trigger", "DAILY")
    shown = ctl("describe", "occurrence", name).stdout
    for line in ("Description:    All of the daily bars.", "Labels:         set=daily", "Tags:           eod, us"):
        assert line in shown
