"""Whether the parts do their work."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fixtures.cli import Ctl


def test_a_redis_that_is_away_is_told_and_the_rest_is_looked_at(ctl: Ctl) -> None:
    result = ctl("status", code=1)
    titles, database, redis, beat, workers = result.stdout.splitlines()
    assert titles.split() == ["COMPONENT", "HEALTH", "SINCE", "ABOUT"]
    assert database.split()[:4] == ["database", "well", "-", "SQLite"]
    assert redis.split()[:2] == ["redis", "failed"]
    assert "nothing is overdue" in beat
    assert workers.split()[:5] == ["workers", "noted", "-", "no", "workers:"]


def test_work_that_nobody_serves_is_told(ctl: Ctl) -> None:
    ctl.apply("DAILY")
    ctl("trigger", "DAILY")
    parts = {part["name"]: part for part in json.loads(ctl("status", "-o", "json", code=1).stdout)}
    assert parts["workers"]["isWell"] is False
    assert "no workers, and work waits in realtime" in parts["workers"]["about"]


def test_what_is_paused_is_noted_with_since_when_by_whom_and_why(ctl: Ctl) -> None:
    ctl("pause", "everything", "--reason", "a new disk")
    ctl("pause", "lane/realtime")
    everything, realtime = ctl.lines("status", code=1)[-2:]
    assert everything.split()[:2] == realtime.split()[:2] == ["paused", "noted"]
    assert everything.split(maxsplit=3)[3].startswith("everything, by ")
    assert everything.endswith(": a new disk")
    assert "lane/realtime, by " in realtime


def test_without_its_tables_the_database_is_not_well_and_nothing_else_is_known(ctl: Ctl, tmp_path: Path) -> None:
    result = ctl("--database-url", f"sqlite:///{tmp_path}/none.db", "status", code=1)
    assert "stockctl db upgrade" in result.stdout
    assert result.stdout.count("not known without the database") == 2
