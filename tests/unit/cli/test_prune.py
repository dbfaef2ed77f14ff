"""Removing old history by hand."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import Ctl


def test_nothing_is_old_enough_by_default(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("trigger", "DAILY")
    ctl.work()
    assert ctl.lines("prune") == ["0 occurrences removed, with 0 tasks and 0 events"]


def test_what_is_older_than_asked_for_is_counted_and_then_removed(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    for _ in range(2):
        ctl("trigger", "DAILY")
        ctl.work()
    aged = ("--older-than", "0.001s")
    assert ctl.lines("prune", *aged, "--dry-run") == ["1 completed", "1 occurrence would be removed"]
    assert ctl.lines("prune", *aged, "--state", "failed") == ["0 occurrences removed, with 0 tasks and 0 events"]
    assert ctl.lines("prune", *aged, "--job", "job/DAILY") == ["1 occurrence removed, with 1 task and 4 events"]
    assert len(ctl.json("get", "occurrences")) == 1


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        (("--older-than", "soon"), 2, "is not a length of time (such as 90s, 1h30m, 5d, 6mo"),
        (("--older-than", "0s"), 2, "is not a positive duration"),
        (("--state", "queued"), 2, "what is queued has not ended"),
        (("--job", "NOBODY"), 3, "there is no job 'NOBODY'"),
    ],
)
def test_what_makes_no_sense_is_refused(ctl: Ctl, options: tuple[str, ...], code: int, complaint: str) -> None:
    assert complaint in ctl("prune", *options, code=code).stderr
