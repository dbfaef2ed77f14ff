"""All that is known of a job or an occurrence."""

from __future__ import annotations

from stockjobs.errors import ProviderDown
from tests.fixtures.cli import Ctl


def test_a_job_is_shown_with_its_due_times_in_its_zone(ctl: Ctl) -> None:
    ctl.apply("CLOSE", schedule={"cron": "45 15 * * *", "timeZone": "Asia/Tokyo"})
    shown = ctl("describe", "job", "CLOSE").stdout
    due = [line for line in shown.splitlines() if "15:45:00+09:00 Asia/Tokyo" in line]
    assert len(due) == 5
    assert all("06:45:00Z (in " in line for line in due)
    assert "Last occurrences:  none" in shown


def test_a_manual_or_disabled_job_says_why_it_is_not_due(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    assert "Next due:    only when it is triggered" in ctl("describe", "job", "DAILY").stdout
    ctl("disable", "DAILY")
    assert "Next due:    never, while it is disabled" in ctl("describe", "job", "DAILY").stdout


def test_an_occurrence_is_shown_with_the_errors_of_its_attempts(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl.provider.errors = {symbol: [ProviderDown("closed for today")] for symbol in ("AAPL", "MSFT")}
    name = ctl("trigger", "DAILY", "-o", "name").stdout.strip()
    ctl.work()
    shown = ctl("describe", "occurrence", name).stdout
    assert "State:          failed" in shown
    assert "Tasks:          1/1 ended (1 failed)" in shown
    assert "attempt 1: AAPL: closed for today; MSFT: closed for today" in shown


def test_tasks_that_are_left_out_are_counted(ctl: Ctl) -> None:
    ctl.apply("DAILY", batchSize=1)
    name = ctl("trigger", "DAILY", "-o", "name").stdout.strip()
    assert "and 1 more task:" in ctl("describe", "occurrence", name, "--limit", "1").stdout


def test_what_is_not_there_is_exit_code_3(ctl: Ctl) -> None:
    assert "there is no job 'NONE'" in ctl("describe", "job", "NONE", code=3).stderr
    assert "there is no occurrence 'abcd'" in ctl("describe", "occurrence", "abcd", code=3).stderr


def test_the_window_of_what_was_asked_without_a_job_is_that_of_its_tasks(ctl: Ctl) -> None:
    ctl("backfill", "-s", "AAPL", "--start", "2024-01-02", "--end", "2024-01-09")
    [name] = ctl.lines("get", "occurrences", "-o", "name")
    assert "Window:         2024-01-02 00:00:00Z to 2024-01-09 00:00:00Z" in ctl("describe", "occurrence", name).stdout
