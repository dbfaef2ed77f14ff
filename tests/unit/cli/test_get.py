"""Lists, in every format."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.fixtures.cli import Ctl


def test_jobs_are_a_table_in_the_order_of_their_names(ctl: Ctl) -> None:
    ctl.apply("WEEKLY", "DAILY", schedule={"cron": "0 18 * * *"})
    titles, *rows = ctl.lines("get", "jobs")
    assert titles.split("   ")[0].strip() == "NAME"
    assert [row.split()[0] for row in rows] == ["DAILY", "WEEKLY"]
    assert {row.index("0 18") for row in rows} == {titles.index("SCHEDULE")}


def test_without_jobs_stdout_is_empty(ctl: Ctl) -> None:
    result = ctl("get", "jobs")
    assert (result.stdout, result.stderr) == ("", "Nothing found.\n")


@pytest.mark.parametrize(
    ("selector", "names"),
    [("set=daily", ["job/DAILY"]), ("set!=daily", ["job/WEEKLY"]), ("set", ["job/DAILY", "job/WEEKLY"]), ("!set", [])],
)
def test_labels_select_jobs(ctl: Ctl, selector: str, names: list[str]) -> None:
    ctl.apply("DAILY", "WEEKLY")
    assert ctl.lines("get", "jobs", "-l", selector, "-o", "name") == names


def test_a_selector_that_cannot_be_read_is_told(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    assert "--selector: '!a=b' is not a label selector" in ctl("get", "jobs", "-l", "!a=b", code=2).stderr


def test_one_job_is_one_document_and_all_are_an_array(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    one, every = ctl.json("get", "job", "DAILY"), ctl.json("get", "jobs")
    assert every == [one]
    assert one["metadata"]["name"] == "DAILY"
    assert one["status"]["version"] == 1


def test_an_unknown_job_is_exit_code_3(ctl: Ctl) -> None:
    assert ctl("get", "jobs", "NONE", code=3).stderr.startswith("stockctl: there is no job 'NONE'")


def test_csv_has_all_columns_and_whole_times(ctl: Ctl) -> None:
    ctl.apply("DAILY", schedule={"cron": "0 18 * * *"})
    (row,) = csv.DictReader(io.StringIO(ctl("get", "jobs", "-o", "csv").stdout))
    assert row["name"] == "DAILY"
    assert row["last"] == ""
    assert row["next_run"].endswith("T18:00:00Z")


def test_occurrences_show_how_far_they_are_and_are_filtered(ctl: Ctl) -> None:
    ctl.apply("DAILY", "WEEKLY")
    ctl("trigger", "DAILY")
    ctl.work()
    ctl("trigger", "WEEKLY")
    assert [line.split()[1:4] for line in ctl.lines("get", "occurrences")[1:]] == [
        ["WEEKLY", "queued", "0/1"],
        ["DAILY", "completed", "1/1"],
    ]
    assert len(ctl.json("get", "occurrences", "--state", "completed")) == 1
    (daily,) = ctl.json("get", "occurrences", "--job", "DAILY")
    assert daily["rowsWritten"] > 0
    assert ctl.json("get", "occurrence", daily["id"][:8])["id"] == daily["id"]


def test_tasks_are_filtered_by_job_occurrence_and_state(ctl: Ctl) -> None:
    ctl.apply("DAILY", "WEEKLY", batchSize=1)
    ctl("trigger", "DAILY")
    ctl("trigger", "WEEKLY")
    occurrence = ctl.json("get", "occurrences", "--job", "WEEKLY")[0]["id"]
    for filters, count in (
        ((), 4),
        (("--job", "DAILY"), 2),
        (("--occurrence", occurrence[:8]), 2),
        (("--state", "queued"), 4),
        (("--state", "failed"), 0),
        (("--limit", "3"), 3),
    ):
        assert len(ctl.json("get", "tasks", *filters)) == count


def test_lanes_without_redis_show_the_ledger_and_a_note(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("trigger", "DAILY")
    result = ctl("get", "lanes")
    assert [line.split() for line in result.stdout.splitlines()[1:]] == [
        ["realtime", "1", "0", "0", "-", "0", "-", "-"],
        ["historical", "0", "0", "0", "-", "0", "-", "-"],
    ]
    assert result.stderr.startswith("stockctl: without the depths in Redis: Redis at redis://127.0.0.1:1/0")


def test_an_unknown_worker_is_exit_code_3(ctl: Ctl) -> None:
    assert "there is no worker 'w9'" in ctl("get", "workers", "w9", code=3).stderr


@pytest.mark.parametrize("noun", ["jobs", "job", "occurrences", "tasks", "task", "lanes", "workers"])
def test_every_list_is_json(ctl: Ctl, noun: str) -> None:
    assert isinstance(json.loads(ctl("get", noun, "-o", "json").stdout), list)


def test_what_cannot_be_followed_is_told(ctl: Ctl) -> None:
    assert "--watch: cannot follow as json" in ctl("get", "jobs", "-w", "-o", "json", code=2).stderr


def test_adhoc_jobs_are_hidden_and_counted_unless_they_are_asked_for(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    for symbols in ("AAPL", "MSFT"):
        ctl("backfill", "--symbols", symbols, "--period", "5d")
    result = ctl("get", "jobs", "-o", "name")
    assert result.stdout == "job/DAILY\n"
    assert result.stderr == "stockctl: 2 ad-hoc jobs are not shown: --all shows all\n"
    (adhoc, other) = (name for name in ctl.lines("get", "jobs", "--all", "-o", "name") if name != "job/DAILY")
    assert ctl("get", "jobs", "--all").stderr == ""
    assert ctl.lines("get", "jobs", "-l", "stockjobs/adhoc", "-o", "name") == [adhoc, other]
    assert ctl.json("get", "job", adhoc.removeprefix("job/"))["metadata"]["labels"] == {"stockjobs/adhoc": "true"}
    assert ctl("get", "jobs", "-l", "set=daily").stderr == ""


def test_lanes_are_refused_with_a_redis_url_that_cannot_be_one(ctl: Ctl) -> None:
    result = ctl("--redis-url", "redis://127.0.0.1:x/0", "get", "lanes", code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("stockctl: REDIS_URL: the host or port cannot be read")


def test_lists_take_the_same_filters_as_statistics_and_steering(ctl: Ctl) -> None:
    ctl.apply("A", tags=["nightly"])
    ctl.apply("B")
    for job in ("A", "B"):
        ctl("trigger", job)
    ctl("cancel", "--job", "B")
    for noun in ("occurrences", "tasks"):
        assert [one["job"] for one in ctl.json("get", noun, "--tag", "nightly")] == ["A"]
        assert [one["job"] for one in ctl.json("get", noun, "--label", "set=b", "--lane", "realtime")] == (
            ["B"] if noun == "tasks" else []
        )
        assert [one["state"] for one in ctl.json("get", noun, "--state", "cancelled,failed")] == ["cancelled"]
        assert len(ctl.json("get", noun, "--since", "1h")) == 2
        assert ctl.json("get", noun, "--before", "1h") == []
        assert "is not a state" in ctl("get", noun, "--state", "done", code=2).stderr
