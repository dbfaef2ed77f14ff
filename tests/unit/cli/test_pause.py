"""Pausing and resuming lanes and everything."""

from __future__ import annotations

import pytest

from stockjobs.domain.work.lanes import Lane
from tests.fixtures.cli import Ctl


def test_a_paused_lane_offers_nothing_until_it_is_resumed(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("trigger", "DAILY")
    assert ctl.lines("pause", "lane/realtime") == ["lane/realtime paused"]
    ctl.work()
    assert [task["state"] for task in ctl.json("get", "tasks")] == ["queued"]
    assert ctl.lines("resume", "lane/realtime") == ["lane/realtime resumed"]
    ctl.work()
    assert [task["state"] for task in ctl.json("get", "tasks")] == ["completed"]


def test_get_lanes_shows_since_when_by_whom_and_why(ctl: Ctl) -> None:
    ctl("pause", "lane/historical", "--reason", "moving the disk")
    realtime, historical = ctl.json("get", "lanes")
    assert realtime["paused"] is None
    assert historical["paused"]["scope"] == "historical"
    assert historical["paused"]["reason"] == "moving the disk"
    assert "moving the disk" in ctl.lines("get", "lanes")[2]


def test_pausing_twice_and_resuming_twice_change_nothing_more(ctl: Ctl) -> None:
    assert ctl.lines("pause", "everything", "everything") == ["everything paused", "everything was paused already"]
    assert ctl.lines("resume", "everything", "everything") == ["everything resumed", "everything was not paused"]


def test_a_lane_stays_paused_while_everything_is_and_the_command_says_so(ctl: Ctl) -> None:
    ctl("pause", "everything", "lane/realtime")
    assert ctl("resume", "lane/realtime").stderr == "stockctl: still paused: everything\n"
    assert all(lane["paused"] for lane in ctl.json("get", "lanes"))
    assert {lane["lane"] for lane in ctl.json("get", "lanes")} == set(Lane)


def test_the_audit_trail_tells_of_pauses(ctl: Ctl) -> None:
    ctl("pause", "lane/realtime", "--reason", "quota")
    ctl("resume", "lane/realtime")
    told = ctl.lines("events")
    assert ["lane.paused" in told[0], "quota" in told[0], "lane.resumed" in told[1]] == [True] * 3


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize(
    ("what", "cure"),
    [
        ("DAILY", "write job/DAILY if it is a job"),
        ("realtime", "write lane/realtime"),
        ("lane/x", "job/NAME, everything, lane/realtime"),
        ("lane", "write job/lane"),
        ("job/", "job/NAME"),
        ("everything/", "job/NAME"),
        ("worker/w1", "job/NAME"),
    ],
)
def test_what_is_meant_has_to_be_said_and_nothing_is_done_by_half(ctl: Ctl, verb: str, what: str, cure: str) -> None:
    told = ctl(verb, "everything", what, code=2).stderr
    assert told.startswith(f"stockctl: {verb}: what '{what}' is was not said (")
    assert cure in told
    assert not any(lane["paused"] for lane in ctl.json("get", "lanes"))


def test_options_that_would_do_nothing_are_refused(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    assert "not of job/DAILY" in ctl("pause", "everything", "job/DAILY", "--reason", "x", code=2).stderr
    assert "goes with jobs" in ctl("resume", "everything", "--missed", "all", code=2).stderr
    assert ctl("status", code=1).stdout.count("paused") == 0
    assert ctl.json("get", "jobs", "DAILY")["status"]["paused"] is False


def test_a_pause_of_an_unknown_job_is_exit_code_3(ctl: Ctl) -> None:
    assert "there is no job 'NONE'" in ctl("pause", "job/NONE", code=3).stderr
