"""Enabling, disabling, deleting."""

from __future__ import annotations

from tests.fixtures.cli import Ctl


def test_a_disabled_job_refuses_its_trigger_until_it_is_enabled(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    assert ctl.lines("disable", "DAILY") == ["job/DAILY disabled"]
    assert "enable it first" in ctl("trigger", "DAILY", code=5).stderr
    assert ctl.lines("enable", "job/DAILY") == ["job/DAILY enabled"]
    ctl("trigger", "DAILY")


def test_a_deleted_job_is_gone_and_its_history_stays(ctl: Ctl) -> None:
    ctl.apply("DAILY", "WEEKLY")
    ctl("trigger", "DAILY")
    assert ctl.lines("delete", "job", "DAILY") == ["job/DAILY deleted"]
    assert ctl.lines("get", "jobs", "-o", "name") == ["job/WEEKLY"]
    assert [one["state"] for one in ctl.json("get", "occurrences")] == ["cancelled"]
    assert ctl.lines("delete", "job/WEEKLY") == ["job/WEEKLY deleted"]


def test_delete_wants_to_be_told_what_a_name_is(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    assert "stockctl delete job NAME" in ctl("delete", "DAILY", code=2).stderr
    assert ctl.lines("get", "jobs", "-o", "name") == ["job/DAILY"]
