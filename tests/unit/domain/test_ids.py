"""Identities: the same context gives the same id on every node, another context another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain import ids

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
JOB = ids.job_id("closes")
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))


def test_ids_are_the_same_in_every_process_and_release() -> None:
    # Stored rows are found by these: a change would run everything again.
    occurrence = ids.occurrence_id(JOB, ids.scheduled_key(NOON))
    task = ids.task_id(occurrence, "1d/0000")
    assert [str(found) for found in (JOB, occurrence, task, ids.attempt_id(task, 1))] == [
        "1739c4ef-b67e-5b87-834d-d47ea941837f",
        "d7b67221-5df7-5cb8-b9d6-98280f256fd2",
        "ff1a85e8-c9fa-5e0c-9aa8-983dc1337f5c",
        "90b66f7e-2a7b-5072-87f4-f70916f4dfee",
    ]
    assert JOB.version == 5


@given(st.lists(st.text(max_size=20), unique=True, max_size=20))
def test_different_names_have_different_ids(names: list[str]) -> None:
    assert len({ids.job_id(name) for name in names}) == len(names)


@given(INSTANTS, st.integers(-23, 23))
def test_an_instant_gives_one_key_in_whatever_zone_it_is_told(instant: datetime, hours: int) -> None:
    elsewhere = instant.astimezone(timezone(timedelta(hours=hours)))
    assert ids.scheduled_key(elsewhere) == ids.scheduled_key(instant)


@given(INSTANTS, INSTANTS)
def test_keys_of_instants_sort_and_differ_as_the_instants_do(one: datetime, other: datetime) -> None:
    assert (ids.scheduled_key(one) < ids.scheduled_key(other)) == (one < other)
    assert (ids.scheduled_key(one) == ids.scheduled_key(other)) == (one == other)


def test_a_request_never_names_a_scheduled_occurrence() -> None:
    text = ids.scheduled_key(NOON)
    assert ids.occurrence_id(JOB, ids.requested_key(text)) != ids.occurrence_id(JOB, text)


def test_both_passes_of_a_repeated_hour_have_different_keys() -> None:
    first = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"))
    assert ids.scheduled_key(first) != ids.scheduled_key(first.replace(fold=1))


@given(st.uuids(), st.integers(1, 1_000), st.integers(1, 1_000))
def test_each_attempt_of_a_task_has_its_own_id(task: UUID, one: int, other: int) -> None:
    assert (ids.attempt_id(task, one) == ids.attempt_id(task, other)) == (one == other)


def test_an_instrument_is_told_from_the_one_that_had_its_ticker_before() -> None:
    names = ("yahoo", "NYQ", "META")
    born = [None, NOON, NOON - timedelta(days=4_000)]
    assert len({ids.instrument_uid(*names, first) for first in born}) == 3


def test_the_hour_of_the_first_trade_does_not_change_an_instrument() -> None:
    assert ids.instrument_uid("yahoo", "NYQ", "A", NOON) == ids.instrument_uid(
        "yahoo", "NYQ", "A", NOON.replace(hour=1)
    )


def test_the_same_evidence_is_the_same_finding() -> None:
    assert ids.finding_id("AAPL", 5, "gap") == ids.finding_id("AAPL", 5, "gap")
    assert ids.finding_id("AAPL", 5, "gap") != ids.finding_id("AAPL", 6, "gap")
