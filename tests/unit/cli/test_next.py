"""`stockctl next`: due times of jobs, of manifests and of cron expressions."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.cli import Ctl, yaml_job

MARCH = ("--from", "2026-03-07", "--to", "2026-03-10")


def test_a_cron_expression_is_shown_in_utc_and_in_its_zone_with_what_is_odd(ctl: Ctl) -> None:
    assert ctl.lines("next", "--cron", "30 2 * * *", "--time-zone", "America/New_York", *MARCH) == [
        "DUE                        AMERICA/NEW_YORK                NOTE",
        "Sat 2026-03-07 07:30:00Z   Sat 2026-03-07 02:30:00-05:00",
        "Sun 2026-03-08 07:00:00Z   Sun 2026-03-08 03:00:00-04:00   the clocks jump over its time",
        "Mon 2026-03-09 06:30:00Z   Mon 2026-03-09 02:30:00-04:00",
    ]


def test_in_utc_one_column_suffices(ctl: Ctl) -> None:
    assert ctl.lines("next", "--cron", "0 12 * * *", "--from", "2026-03-07", "-n", "1") == [
        "DUE",
        "Sat 2026-03-07 12:00:00Z",
    ]


def test_without_more_it_is_the_next_five(ctl: Ctl) -> None:
    assert len(ctl.lines("next", "--cron", "* * * * *")) == 6
    assert len(ctl.lines("next", "--cron", "* * * * *", "--from", "2026-01-01")) == 6
    assert len(ctl.lines("next", "--cron", "* * * * *", "--from", "2026-01-01", "--to", "2026-01-02")) == 1_441


def test_a_stored_job_and_a_manifest_give_the_same(ctl: Ctl) -> None:
    schedule = {"interval": "R/2026-01-31T09:00:00Z/P1M"}
    ctl.apply("MONTHLY", schedule=schedule)
    (ctl.folder / "job.yaml").write_text(yaml_job("MONTHLY", schedule=schedule))
    stored, typed = (
        json.loads(ctl("next", *what, "--from", "2026-02-01", "-n", "2", "-o", "json").stdout)
        for what in (["MONTHLY"], ["-f", "job.yaml"])
    )
    assert stored == typed
    assert [one["dueAt"] for one in stored] == ["2026-02-28T09:00:00Z", "2026-03-31T09:00:00Z"]
    assert stored[0] == {
        "job": "MONTHLY",
        "dueAt": "2026-02-28T09:00:00Z",
        "local": "2026-02-28T09:00:00+00:00",
        "timeZone": "UTC",
        "note": None,
    }


def test_several_jobs_of_a_manifest_are_shown_by_name(ctl: Ctl) -> None:
    documents = [yaml_job("A", schedule={"cron": "0 0 * * *"}), yaml_job("B")]
    out = ctl("next", "-f", "-", "--from", "2026-01-01", "-n", "1", stdin="---\n".join(documents)).stdout.splitlines()
    assert out == [
        "job/A  0 0 * * *",
        "DUE",
        "Thu 2026-01-01 00:00:00Z",
        "",
        "job/B  manual",
        "Only when it is triggered.",
    ]


def test_a_session_rule_has_the_holidays_and_half_days_of_its_exchange(ctl: Ctl) -> None:
    job = yaml_job("CLOSE", schedule={"session": "@close-10m", "calendar": {"exchange": "XNYS"}})
    out = ctl("next", "-f", "-", "--from", "2026-11-25", "-n", "2", stdin=job).stdout.splitlines()
    assert out == [
        "DUE                        AMERICA/NEW_YORK",
        "Wed 2026-11-25 20:50:00Z   Wed 2026-11-25 15:50:00-05:00",
        "Fri 2026-11-27 17:50:00Z   Fri 2026-11-27 12:50:00-05:00",
    ]


def test_days_begin_by_the_clocks_of_the_exchange_where_the_schedule_has_no_zone(ctl: Ctl) -> None:
    rule = ("--session", "@open-5m", "--exchange", "XTKS")
    assert ctl.lines("next", *rule, "--from", "2026-11-25", "-n", "1")[1].startswith("Tue 2026-11-24 23:55:00Z")


@pytest.mark.parametrize(
    "rule",
    [
        ("--interval", "R/2030-01-01T00:00:00Z/P1D"),
        ("--once", "2030-01-01T00:00:00Z"),
        ("--cron", "0 0 * * *", "--exchange", "24/7"),
        ("--session", "@open", "--exchange", "24/7"),
    ],
)
def test_every_rule_that_a_job_may_have_can_be_tried(ctl: Ctl, rule: tuple[str, ...]) -> None:
    assert ctl.lines("next", *rule, "--from", "2030-01-01", "-n", "1")[1] == "Tue 2030-01-01 00:00:00Z"


def test_schedules_that_are_over_are_refused_as_apply_refuses_them(ctl: Ctl) -> None:
    past = [yaml_job(name, schedule={"once": "2020-01-01T00:00:00Z"}) for name in "AB"]
    (ctl.folder / "job.yaml").write_text("---\n".join(past))
    shown, applied = (ctl(verb, "-f", "job.yaml", code=2).stderr.splitlines() for verb in ("next", "apply"))
    assert [line.split(":")[:4] for line in shown] == [line.split(":")[:4] for line in applied]
    assert shown[0].startswith("stockctl: job.yaml:1: spec.schedule: this schedule is never due after ")
    assert shown[1].startswith("stockctl: job.yaml:3: spec.schedule: this schedule is never due after ")
    assert "--once: this schedule is never due" in ctl("next", "--once", "2020-01-01T00:00:00Z", code=2).stderr
    assert ctl.lines("next", "--once", "2020-01-01T00:00:00Z", "--from", "2020-01-01")[1:]
    assert ctl.lines("next", "--cron", "0 0 * * *", "--from", "2020-01-01T01:00:00Z", "--to", "2020-01-02") == [
        "Not due in that time."
    ]


def test_of_a_paused_or_disabled_job_it_is_told_that_none_will_run(ctl: Ctl) -> None:
    ctl.apply("DAILY", schedule={"cron": "0 0 * * *"})
    ctl("pause", "job/DAILY")
    assert ctl("next", "DAILY").stderr == "stockctl: job/DAILY is paused: none of these will run\n"
    assert ctl.lines("get", "jobs")[1].split()[-1] == "-"
    ctl("disable", "DAILY")
    assert "job/DAILY is disabled" in ctl("next", "DAILY").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "takes a job, or --filename, or a rule"),
        (("A", "--cron", "* * * * *"), 2, "takes a job, or --filename, or a rule"),
        (("A", "--time-zone", "UTC"), 2, "--time-zone: goes with a rule such as --cron"),
        (("A", "--exchange", "XNYS"), 2, "--exchange: goes with a rule such as --cron"),
        (("--session", "@open", "--exchange", "XNYZ"), 2, "--exchange: 'XNYZ'"),
        (("NONE",), 3, "there is no job 'NONE'"),
        (("--cron", "0 0 30 2 *"), 2, "--cron: '0 0 30 2 *' never fires"),
        (("--cron", "* * * * *", "--time-zone", "Europe/Berlni"), 2, "did you mean Europe/Berlin?"),
        (("--cron", "* * * * *", "--from", "soon"), 2, "--from: 'soon' is not an instant"),
        (
            ("--cron", "* * * * *", "--from", "2026-02-01", "--to", "2026-01-01"),
            2,
            "--to: 2026-01-01 is not after 2026-02-01",
        ),
    ],
)
def test_what_cannot_be_shown_is_told(ctl: Ctl, arguments: tuple[str, ...], code: int, told: str) -> None:
    assert told in ctl("next", *arguments, code=code).stderr
