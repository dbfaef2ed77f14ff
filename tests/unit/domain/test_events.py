"""Events: facts in the past tense."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from stockjobs.domain.events import Event, EventName

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["created", "queued", "started", "progress", "completed", "failed", "cancelled", "retried"]
)
def test_the_events_that_subscribers_know_are_there(name: str) -> None:
    assert EventName(f"job.{name}") == f"job.{name}"


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Event(EventName.CREATED, NOON).id = 1  # type: ignore[misc]


def test_events_do_not_share_their_data() -> None:
    Event(EventName.CREATED, NOON).data["rows"] = 1
    assert Event(EventName.CREATED, NOON).data == {}
