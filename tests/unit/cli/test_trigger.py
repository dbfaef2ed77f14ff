"""Asking for occurrences, waiting for them, and what the exit code then says."""

from __future__ import annotations

import json
import re
import threading

import pytest

from stockjobs.domain.work.states import State
from stockjobs.errors import ProviderDown, SymbolUnknown
from tests.fixtures.cli import Ctl
from tests.fixtures.redis import eventually


def waited(ctl: Ctl, *command: str, code: int) -> tuple[str, str]:
    """Run a command that waits, while its tasks are worked off beside it."""

    def work() -> None:
        eventually(lambda: bool(ctl.container.reports.tasks(states=[State.QUEUED])))
        ctl.work()

    worker = threading.Thread(target=work)
    worker.start()
    result = ctl(*command, "--timeout", "30s", code=code)
    worker.join()
    return result.stdout, result.stderr


def test_an_occurrence_is_named_with_its_state(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    (line,) = ctl.lines("trigger", "DAILY")
    (occurrence,) = ctl.container.reports.occurrences()
    assert line == f"occurrence/{occurrence.occurrence.id} queued (1 task)"


def test_who_does_not_wait_is_told_that_no_worker_takes_it_unless_it_is_for_later(ctl: Ctl) -> None:
    ctl.apply("DAILY", "LATER")
    told = ctl("trigger", "DAILY", "-o", "name").stderr
    assert told.startswith("stockctl: no worker has shown itself in sqlite:")
    assert told.endswith(": start one with `celery -A stockjobs worker -Q realtime`, or all with `stockd`\n")
    assert ctl("trigger", "LATER", "--start-after", "2199-01-01T00:00:00Z").stderr == ""


def test_the_same_key_gives_the_same_occurrence(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    first, second = (ctl("trigger", "DAILY", "--key", "monday", "-o", "name").stdout for _ in range(2))
    assert first == second


def test_a_later_start_leaves_the_task_scheduled(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("trigger", "DAILY", "--start-after", "2199-01-01T00:00:00Z")
    assert [task["state"] for task in ctl.json("get", "tasks")] == ["scheduled"]


def test_a_job_that_still_runs_is_a_conflict(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("trigger", "DAILY")
    assert (
        "of job 'DAILY' is queued, and the job's concurrency policy forbids a second one"
        in ctl("trigger", "DAILY", code=5).stderr
    )


def test_an_unknown_job_is_not_found(ctl: Ctl) -> None:
    assert "there is no job 'NONE'" in ctl("trigger", "NONE", code=3).stderr


def test_waiting_for_success_tells_the_rows(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    out, err = waited(ctl, "trigger", "DAILY", "--wait", code=0)
    assert " completed (1 task, " in out
    assert " rows written)" in out
    assert err == ""


def test_a_failed_occurrence_is_exit_code_7_with_its_reason(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl.provider.errors = {symbol: [ProviderDown("the exchange is on holiday")] for symbol in ("AAPL", "MSFT")}
    out, err = waited(ctl, "trigger", "DAILY", "--wait", code=7)
    assert " failed (1 task, 0 rows written)" in out
    assert "the exchange is on holiday" in err


def test_an_occurrence_that_landed_some_is_exit_code_8(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl.provider.errors = {"MSFT": [SymbolUnknown("nobody knows it")]}
    _, err = waited(ctl, "trigger", "DAILY", "--wait", code=8)
    assert "MSFT: nobody knows it" in err


def test_a_wait_that_is_given_up_is_exit_code_124_and_the_work_goes_on(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    assert "has not ended after 0s; it goes on" in ctl("trigger", "DAILY", "--timeout", "0.01s", code=124).stderr
    assert [one["state"] for one in ctl.json("get", "occurrences")] == ["queued"]


def test_a_timeout_that_cannot_be_read_asks_for_nothing(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    assert "--timeout: 'soon' is not a length of time" in ctl("trigger", "DAILY", "--timeout", "soon", code=2).stderr
    assert ctl.container.reports.occurrences() == []


def test_a_backfill_of_symbols_makes_a_job_named_after_what_is_asked(ctl: Ctl) -> None:
    arguments = ("backfill", "--symbols", "aapl,msft", "-i", "1d,1wk", "--start", "2024-01-01", "--end", "2024-03-01")
    occurrence = json.loads(ctl(*arguments, "-o", "json").stdout)
    (job,) = ctl.json("get", "jobs", "--all")
    assert job["metadata"]["name"] == occurrence["job"]
    assert job["spec"]["window"] == {"start": "2024-01-01T00:00:00Z", "end": "2024-03-01T00:00:00Z"}
    assert {task["interval"] for task in ctl.json("get", "tasks")} == {"1d", "1wk"}
    ctl.work()
    assert json.loads(ctl(*arguments, "-o", "json").stdout)["job"] == occurrence["job"]


def test_a_backfill_of_an_incremental_job_asks_for_the_window(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("backfill", "DAILY", "--start", "2024-01-01", "--end", "2024-02-01")
    (task,) = ctl.json("get", "tasks")
    assert (task["windowStart"], task["windowEnd"]) == ("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z")


def test_a_dry_run_counts_and_asks_for_nothing(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    (line,) = ctl.lines("backfill", "DAILY", "--period", "1y", "--dry-run")
    assert line.startswith("1 task, 2 requests to yahoo, about ")
    assert line.endswith(
        " as the budget for historical work allows by the settings here, as no worker told of its own (dry run)"
    )
    (line,) = ctl.lines("backfill", "-s", "AAPL", "-i", "1m", "--start", "2020-01-01", "--dry-run")
    assert line.startswith("5 tasks, 5 requests to yahoo, about ")
    assert ctl.container.reports.occurrences() == []
    assert len(ctl.container.reports.jobs()) == 1


def test_what_is_priced_is_what_is_done_with_the_defaults_of_the_installation(
    ctl: Ctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKJOBS_INTERVALS", "1d,1wk")
    monkeypatch.setenv("STOCKJOBS_PERIOD", "P1M")
    (line,) = ctl.lines("backfill", "-s", "AAPL", "--dry-run")
    assert line.startswith("2 tasks, 2 requests")
    result = ctl("backfill", "-s", "AAPL", "-o", "name")
    assert "stockctl: 2 tasks, 2 requests" in result.stderr
    assert {task["interval"] for task in ctl.json("get", "tasks")} == {"1d", "1wk"}
    monkeypatch.delenv("STOCKJOBS_PERIOD")
    ctl("backfill", "-s", "AAPL")
    assert len(ctl.json("get", "jobs", "--all")) == 2


def test_a_backfill_tells_its_price_before_it_starts(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    result = ctl("backfill", "DAILY", "--period", "1y", "-o", "name")
    assert "stockctl: 1 task, 2 requests to yahoo, about " in result.stderr
    assert result.stdout.startswith("occurrence/")


def test_all_of_a_window_is_asked_for_again_where_somebody_wants_it(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("backfill", "DAILY", "--period", "5d", "--refetch")
    (report,) = ctl.container.reports.occurrences()
    assert report.occurrence.requested_window == {"period": "P5D", "refetch": True}


def test_an_open_backfill_tells_how_far_it_is(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    name = ctl("backfill", "DAILY", "--period", "5d", "-o", "name").stdout.strip()
    assert "0 of 2 symbols" in ctl("describe", "occurrence", name).stdout
    ctl.work()
    assert "of 2 symbols" not in ctl("describe", "occurrence", name).stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "backfill: takes a job or --symbols, and neither was given ("),
        (("--period", "5y"), "takes a job or --symbols, and neither was given ("),
        (("--symbols", ","), "--symbols: none is named by what was given (such as --symbols AAPL,MSFT)"),
        (("DAILY", "--symbols", "AAPL"), "takes a job or --symbols, and both were given ("),
        (("DAILY", "--interval", "1d"), "--interval: goes with --symbols"),
        (("DAILY", "--start", "2024-02-01", "--end", "2024-01-01"), "is not before end"),
        (("DAILY", "--start", "yesterday"), "--start: 'yesterday' is not an instant"),
        (("DAILY", "--period", "-5d"), "--period: '-5d' is not"),
        (("-s", "../etc/passwd"), "--symbols: '../etc/passwd' is a path"),
        (("-s", "AAPL", "-i", "3d"), "--interval: '3d' is not one of 1m"),
        (("-s", "AAPL", "--provider", "yaho"), "provider: there is no provider 'yaho' (did you mean yahoo?)"),
    ],
)
def test_a_backfill_that_makes_no_sense_is_told_and_writes_nothing(
    ctl: Ctl, arguments: tuple[str, ...], told: str
) -> None:
    ctl.apply("DAILY")
    assert told in ctl("backfill", *arguments, code=2).stderr
    assert ctl.container.reports.occurrences() == []
    assert len(ctl.container.reports.jobs()) == 1


def test_what_has_nothing_to_do_says_why(ctl: Ctl) -> None:
    result = ctl("backfill", "-s", "AAPL", "-i", "1m", "--start", "2015-01-01", "--end", "2015-02-01", "--wait")
    assert re.fullmatch(r"occurrence/\S+ completed: .+\n", result.stdout)
    assert "0 tasks" not in result.stdout
    assert ctl.json("get", "tasks") == []
