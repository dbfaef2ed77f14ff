"""`stockctl` where its caller closed a standard stream."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.fixtures.cli import NOWHERE, Ctl

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("arguments", "closed", "code"),
    [
        ("apply -f -", "<&-", 2),
        ("get jobs", ">&-", 0),
        ("get jobs -o csv", ">&-", 0),
        ("get job none", "2>&-", 3),
        ("get jobs", "<&- >&- 2>&-", 0),
    ],
)
def test_a_closed_stream_leads_nowhere_and_changes_nothing_else(
    ctl: Ctl, arguments: str, closed: str, code: int
) -> None:
    ctl.apply("DAILY")
    environment = {**os.environ, "DATABASE_URL": ctl.container.settings.database_url, "REDIS_URL": NOWHERE}
    run = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m stockjobs.cli {arguments} {closed}"],
        input="",
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=os.getcwd(),
    )
    assert run.returncode == code, run.stderr
    assert "Error" not in run.stdout + run.stderr
    assert [one.job.name for one in ctl.container.reports.jobs()] == ["DAILY"]


def test_a_full_disk_is_told_with_its_cure(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    environment = {**os.environ, "DATABASE_URL": ctl.container.settings.database_url, "REDIS_URL": NOWHERE}
    # As users have it: what is printed is kept until the end.
    environment.pop("PYTHONUNBUFFERED", None)
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "stockjobs.cli", "get", "jobs", "-o", "csv"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment,
        )
    told = "stockctl: no room is left where it is to be written: free some, or write it elsewhere\n"
    assert (run.returncode, run.stderr) == (1, told)
