"""Cancelling and retrying, by ids and by filter."""

from __future__ import annotations

import pytest

from stockjobs.errors import SymbolUnknown
from tests.fixtures.cli import Ctl


def test_a_cancelled_occurrence_stays_so_and_cancelling_it_again_is_a_conflict(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    name = ctl("trigger", "DAILY", "-o", "name").stdout.strip()
    assert ctl.lines("cancel", name) == [f"{name} cancelled"]
    assert "has ended already: cancelled" in ctl("cancel", name, code=5).stderr
    ctl.work()
    assert [task["state"] for task in ctl.json("get", "tasks")] == ["cancelled"]


@pytest.mark.parametrize("verb", ["cancel", "retry"])
@pytest.mark.parametrize(
    ("text", "code"), [("00000000", 3), ("task/00000000", 3), ("abc", 2), ("not-an-id", 2), ("task/xyz", 2)]
)
def test_what_is_not_there_is_exit_code_3_and_what_is_no_id_2(ctl: Ctl, verb: str, text: str, code: int) -> None:
    assert ctl(verb, text, code=code).stderr.startswith("stockctl: ")


def test_one_task_is_cancelled_alone(ctl: Ctl) -> None:
    ctl.apply("DAILY", batchSize=1)
    ctl("trigger", "DAILY")
    first, _ = ctl.lines("get", "tasks", "-o", "name")
    assert ctl.lines("cancel", first) == [f"{first} cancelled"]
    assert sorted(task["state"] for task in ctl.json("get", "tasks")) == ["cancelled", "queued"]


def test_what_options_describe_is_cancelled_and_counted(ctl: Ctl) -> None:
    ctl.apply("A", "B", schedule={"concurrency": "allow"})
    for job in ("A", "A", "B"):
        ctl("trigger", job)
    assert ctl.lines("cancel", "--job", "A", "--dry-run") == ["2 occurrences would be cancelled"]
    assert ctl.lines("cancel", "--label", "set=a", "--since", "1h") == ["2 occurrences cancelled"]
    assert ctl.lines("cancel", "--all", "--state", "queued,running") == ["1 occurrence cancelled"]
    assert ctl.lines("cancel", "--all") == ["0 occurrences cancelled"]


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_it_has_to_be_said_in_one_way_which_are_meant(ctl: Ctl, verb: str) -> None:
    assert "or --all" in ctl(verb, code=2).stderr
    assert "give the ids alone" in ctl(verb, "1234", "--job", "A", code=2).stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--state", "done"), "'done' is not a state"),
        (("--state", "completed"), "what is completed cannot be cancelled"),
        (("--since", "yesterday"), "is not a moment"),
        (("--since", "2026-02-30"), "is not a possible instant"),
        (("--since", "1h", "--before", "2h"), "is not after --since"),
        (("--label", "set"), "is not a label"),
    ],
)
def test_options_that_make_no_sense_are_refused(ctl: Ctl, options: tuple[str, ...], complaint: str) -> None:
    assert complaint in ctl("cancel", *options, code=2).stderr


def test_an_unknown_job_is_exit_code_3(ctl: Ctl) -> None:
    assert "there is no job 'NOBODY'" in ctl("cancel", "--job", "NOBODY", code=3).stderr


def test_failed_work_is_tried_again_by_its_id_or_by_filter(ctl: Ctl) -> None:
    ctl.provider.errors["MSFT"] = [SymbolUnknown("gone")] * 2
    ctl.apply("DAILY")
    name = ctl("trigger", "DAILY", "-o", "name").stdout.strip()
    ctl.work()
    assert ctl.lines("retry", name[:15]) == [f"{name} queued (1 task, 1 symbol)"]
    assert "is queued: wait" in ctl("retry", name, code=5).stderr
    ctl.work()
    dry = ctl.lines("retry", "--job", "DAILY", "--state", "failed,timeout", "--since", "1d", "--dry-run")
    assert dry == ["1 occurrence with failed tasks would be tried again"]
    assert ctl.lines("retry", "--job", "DAILY") == [f"{name} queued (1 task, 1 symbol)"]
    ctl.work()
    assert [one["state"] for one in ctl.json("get", "occurrences")] == ["completed"]
    assert "Nothing found." in ctl("retry", "--all").stderr


def test_what_is_refused_of_many_is_told_with_the_reason(ctl: Ctl) -> None:
    ctl.provider.errors["MSFT"] = [SymbolUnknown("gone")] * 2
    ctl.apply("DAILY")
    for _ in range(2):
        ctl("trigger", "DAILY")
        ctl.work()
    result = ctl("retry", "--job", "DAILY", code=8)
    assert len(result.stdout.splitlines()) == 1
    assert "concurrency policy is forbid" in result.stderr
