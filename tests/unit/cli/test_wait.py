"""Waiting for an occurrence that was asked for before."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import SymbolUnknown
from stockjobs.store import tables
from stockjobs.store.ledger import workers
from stockjobs.store.ledger.workers import Worker
from tests.fixtures.cli import Ctl


def asked(ctl: Ctl) -> str:
    ctl.apply("DAILY")
    return ctl("trigger", "DAILY", "-o", "name").stdout.strip()


def test_one_that_has_completed_is_told_at_once_by_its_name_or_the_first_digits(ctl: Ctl) -> None:
    name = asked(ctl)
    ctl.work()
    [line] = ctl.lines("wait", name)
    assert line.startswith(f"{name} completed (1 task, ")
    assert ctl.lines("wait", name.removeprefix("occurrence/")[:8], "--timeout", "1") == [line]


def test_one_of_which_only_a_part_was_collected_is_exit_code_8_with_the_reason(ctl: Ctl) -> None:
    ctl.provider.errors = {"MSFT": [SymbolUnknown("nobody knows it")]}
    name = asked(ctl)
    ctl.work()
    assert "MSFT: nobody knows it" in ctl("wait", name, code=8).stderr


def test_one_that_was_cancelled_is_exit_code_7(ctl: Ctl) -> None:
    name = asked(ctl)
    ctl("cancel", name)
    assert " cancelled " in ctl("wait", name, code=7).stdout


def test_the_wait_is_given_up_when_its_time_is_up(ctl: Ctl) -> None:
    assert "it goes on" in ctl("wait", asked(ctl), "--timeout", "0.01", code=124).stderr


def test_that_no_worker_takes_its_lane_is_told_once_it_has_waited_a_little(ctl: Ctl) -> None:
    name, now = asked(ctl), ctl.container.reports.now()
    told = "start one with `celery -A stockjobs worker -Q realtime`"
    assert told not in ctl("wait", name, "--timeout", "0.01", code=124).stderr
    with ctl.container.ready_database.begin() as connection:
        connection.execute(update(tables.tasks).values(run_at=now - timedelta(seconds=6)))
    said = ctl("wait", name, "--timeout", "0.01", code=124).stderr
    assert said.count(told) == 1
    assert f"no worker has shown itself in {ctl.container.database.shown} (is STOCKJOBS_STATE_DIR set" in said
    with pytest.raises(TimeoutError, match="no worker has shown itself"):
        ctl.container.reports.wait(UUID(name.partition("/")[2]), timedelta())
    others = Worker("w0", (Lane.HISTORICAL,), "prefork", 1, 0, None, None, "1", 1, now, now)
    with ctl.container.ready_database.begin() as connection:
        workers.show(connection, others)
    assert f"no worker takes the realtime lane: {told}" in ctl("wait", name, "--timeout", "0.01", code=124).stderr
    with ctl.container.ready_database.begin() as connection:
        workers.show(connection, Worker("w1", tuple(Lane), "prefork", 1, 0, None, None, "1", 1, now, now))
    assert told not in ctl("wait", name, "--timeout", "0.01", code=124).stderr


def test_an_unknown_one_is_not_found(ctl: Ctl) -> None:
    assert "12345678" in ctl("wait", "12345678", code=3).stderr


def test_that_a_new_database_was_made_is_told_once(ctl: Ctl) -> None:
    url = f"sqlite:///{ctl.folder}/other.db"
    assert f"stockctl: made a new database, {url}\n" in ctl("--database-url", url, "get", "jobs").stderr
    assert ctl("--database-url", url, "get", "jobs").stderr == "Nothing found.\n"
