"""`stockctl freshness`, and where else a job's freshness is shown."""

from __future__ import annotations

from tests.fixtures.cli import Ctl


def test_jobs_with_a_target_are_listed_and_others_are_not(ctl: Ctl) -> None:
    ctl.apply("PLAIN")
    ctl.apply("HELD", freshness="PT2H")
    [found] = ctl.json("freshness")
    assert (found["job"], found["isStale"], found["targetS"]) == ("HELD", False, 7_200)
    header, line = ctl.lines("freshness", "HELD")
    assert header.split()[:4] == ["JOB", "STATE", "BEHIND", "TARGET"]
    assert line.split()[:2] == ["HELD", "fresh"]


def test_describe_shows_it_and_the_definition_keeps_it(ctl: Ctl) -> None:
    ctl.apply("HELD", freshness="PT2H")
    shown = ctl("describe", "job", "HELD").stdout
    assert "fresh: nothing is missing; the target is 2h" in shown
    assert "freshness: PT2H" in ctl("get", "jobs", "HELD", "-o", "yaml").stdout


def test_an_unknown_job_is_refused(ctl: Ctl) -> None:
    assert "no job 'NOPE'" in ctl("freshness", "NOPE", code=3).stderr
