"""Counting occurrences."""

from __future__ import annotations

from stockjobs.errors import SymbolUnknown
from tests.fixtures.cli import Ctl


def test_the_table_has_a_row_for_each_job_and_one_for_all(ctl: Ctl) -> None:
    ctl.provider.errors["MSFT"] = [SymbolUnknown("gone")]
    ctl.apply("A", "B")
    for job in ("A", "A", "B"):
        ctl("trigger", job)
        ctl.work()
    titles, *rows = ctl.lines("stats")
    assert titles.split()[:4] == ["JOB", "COUNT", "COMPLETED", "FAILED"]
    assert [row.split()[:4] for row in rows[:3]] == [
        ["A", "2", "1", "1"],
        ["B", "1", "1", "-"],
        ["(all)", "3", "2", "1"],
    ]
    assert "66.7%" in rows[2]
    assert rows[-1] == "Now: 0 workers with 0 slots; tasks: 0 running, 0 waiting"


def test_programs_get_the_numbers_whole(ctl: Ctl) -> None:
    ctl.apply("A")
    ctl("trigger", "A")
    document = ctl.json("stats", "--job", "A", "--since", "1d")
    assert document["total"]["count"] == 1
    assert document["total"]["states"] == {"queued": 1}
    assert document["total"]["successRate"] is None
    assert [one["job"] for one in document["jobs"]] == ["A"]
    assert document["now"]["waiting"] == 1


def test_of_nothing_the_table_says_so(ctl: Ctl) -> None:
    assert "No occurrences match." in ctl.lines("stats", "--tag", "none")
    assert "there is no job 'NOBODY'" in ctl("stats", "--job", "NOBODY", code=3).stderr
