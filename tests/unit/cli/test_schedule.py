"""Changing when a job is due, pausing and resuming it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.store.ledger import definitions
from tests.fixtures.cli import Ctl

DAILY = {"cron": "0 18 * * *"}


def schedule_of(ctl: Ctl, job: str = "DAILY") -> dict[str, object]:
    found: dict[str, object] = ctl.json("get", "jobs", job)["spec"]["schedule"]
    return found


def test_a_job_is_rescheduled_and_says_when_it_is_due(ctl: Ctl) -> None:
    ctl.apply("DAILY", schedule=DAILY)
    [line] = ctl.lines("schedule", "DAILY", "--cron", "0 20 * * *", "--time-zone", "America/New_York")
    assert line.startswith("job/DAILY rescheduled, due next ")
    assert (schedule_of(ctl)["cron"], schedule_of(ctl)["timeZone"]) == ("0 20 * * *", "America/New_York")


def test_a_rule_takes_the_place_of_another_and_manual_of_all(ctl: Ctl) -> None:
    ctl.apply("DAILY", schedule=DAILY)
    ctl("schedule", "job/DAILY", "--session", "@open+5m", "--exchange", "XNYS", "--jitter", "30s")
    assert schedule_of(ctl)["jitter"] == "PT30S"
    assert {"session", "calendar", "jitter"} <= set(schedule_of(ctl))
    assert ctl.lines("schedule", "DAILY", "--manual") == ["job/DAILY rescheduled, not due by itself"]
    assert not {"session", "calendar", "jitter", "cron"} & set(schedule_of(ctl))


def test_what_is_there_already_is_told(ctl: Ctl) -> None:
    ctl.apply("DAILY", schedule=DAILY)
    assert "has this schedule already" in ctl.lines("schedule", "DAILY", "--cron", "0 18 * * *")[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "what is to be different was not said"),
        (("--manual", "--cron", "* * * * *"), "goes with no other option"),
        (("--cron", "0 0 30 2 *"), "never fires"),
        (("--cron", "0 0 * * *", "--interval", "R/PT5M"), "exclude each other"),
        (("--once", "2020-01-01T00:00:00Z"), "never due"),
        (("--session", "@open"), "exchange"),
        (("--jitter", "P2D"), "longer than a day"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_in_a_sentence(ctl: Ctl, options: tuple[str, ...], message: str) -> None:
    ctl.apply("DAILY", schedule=DAILY)
    assert message in ctl("schedule", "DAILY", *options, code=2).stderr
    assert schedule_of(ctl)["cron"] == "0 18 * * *"


def test_a_paused_job_is_shown_so_and_refuses_its_trigger(ctl: Ctl) -> None:
    ctl.apply("DAILY", schedule=DAILY)
    assert ctl.lines("pause", "job/DAILY") == ["job/DAILY paused"]
    assert "paused" in ctl("get", "jobs").stdout
    assert "never, while it is paused" in ctl("describe", "job", "DAILY").stdout
    assert "resume it first" in ctl("trigger", "DAILY", code=5).stderr
    assert ctl.lines("resume", "job/DAILY") == ["job/DAILY resumed"]
    ctl("trigger", "DAILY")


def test_describe_tells_what_was_missed(ctl: Ctl) -> None:
    ctl.apply("DAILY", schedule={"interval": "R/2026-01-01T00:00:00Z/PT1H", "misfire": "none", "grace": "PT1S"})
    ctl("pause", "job/DAILY")
    _put_back(ctl, timedelta(hours=30))
    ctl("resume", "job/DAILY")
    [line] = [line for line in ctl.lines("describe", "job", "DAILY") if "Missed" in line]
    assert line.split()[1] in ("29:", "30:")


@pytest.mark.parametrize(("missed", "made_up"), [("all", 30), ("latest", 1)])
def test_resuming_tells_what_is_made_up_and_what_is_not(ctl: Ctl, missed: str, made_up: int) -> None:
    ctl.apply("DAILY", schedule={"interval": "R/2026-01-01T00:00:00Z/P1D", "concurrency": "allow"})
    ctl("pause", "job/DAILY")
    assert ctl.lines("pause", "job/DAILY") == ["job/DAILY was paused already"]
    _put_back(ctl, timedelta(days=30))
    [line] = ctl.lines("resume", "job/DAILY", "--missed", missed)
    left_out = 30 - made_up or "none"
    noun = "time" if made_up == 1 else "times"
    assert line == f"job/DAILY resumed: {made_up} missed due {noun} made up, {left_out} left out"
    assert len(ctl.json("get", "occurrences")) == made_up
    assert ctl.lines("resume", "job/DAILY") == ["job/DAILY was not paused"]


def _put_back(ctl: Ctl, by: timedelta) -> None:
    """Let the job have been due so much earlier."""
    with ctl.container.database.begin() as connection:
        [job] = definitions.every(connection)
        assert job.next_due_at is not None
        definitions.advance(connection, {job.id: job.next_due_at - by})
