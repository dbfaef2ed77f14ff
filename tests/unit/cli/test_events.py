"""What happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from stockjobs.domain.events import Event, EventName
from stockjobs.store.ledger.events import append
from tests.fixtures.cli import Ctl


def test_events_are_told_in_order_with_their_numbers(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("trigger", "DAILY")
    ctl.work()
    lines = ctl.lines("events")
    assert [line.split()[3] for line in lines] == [
        "job.created",
        "job.queued",
        "job.started",
        "job.progress",
        "job.completed",
    ]
    assert [int(line.split()[0]) for line in lines] == [1, 2, 3, 4, 5]


def test_a_program_goes_on_where_it_stopped(ctl: Ctl) -> None:
    ctl.apply("A", "B", "C")
    documents = [json.loads(line) for line in ctl.lines("events", "--after", "1", "-o", "json")]
    assert [(one["id"], one["data"]["job"]) for one in documents] == [(2, "B"), (3, "C")]


def test_the_last_ones_are_shown_and_of_one_occurrence_if_asked(ctl: Ctl) -> None:
    ctl.apply("A", "B")
    occurrence = ctl("trigger", "A", "-o", "name").stdout.strip().removeprefix("occurrence/")
    ctl("trigger", "B")
    assert len(ctl.lines("events", "--limit", "1")) == 1
    (line,) = ctl.lines("events", "--occurrence", occurrence[:8])
    assert "job.queued" in line
    assert occurrence[:8] in line


def test_lists_are_written_as_words(ctl: Ctl) -> None:
    many = [f"S{number}" for number in range(12)]
    with ctl.container.ready_database.begin() as connection:
        for names in (["IBM", "KO"], many):
            append(connection, Event(EventName.PROGRESS, datetime(2026, 1, 5, tzinfo=UTC), data={"symbols": names}))
    few, most = ctl.lines("events")
    assert few.endswith("symbols=IBM,KO")
    assert most.endswith("S8,S9,… (12)")


def test_times_are_shown_in_the_zone_of_the_settings(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIME_ZONE", "Asia/Tokyo")
    ctl.apply("A")
    assert "+09:00  job.created" in ctl.lines("events")[0]
