"""The feed of events on both databases: complete, in order, by cursor, by filter."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from itertools import islice

import pytest

from stockjobs.domain import ids
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.filters import EventFilter
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import NotFound, ProviderDown, SymbolUnknown
from stockjobs.store.ledger import events
from tests.fixtures.database import NOON
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


def work(house: House) -> None:
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)


def short(names: list[Event]) -> list[str]:
    return [event.name.removeprefix("job.") for event in names]


def test_every_step_of_a_jobs_life_is_told_in_its_order(house: House) -> None:
    house.define(symbols=["AAPL"], retry={"maxRetries": 1, "initial": "PT1S", "cap": "PT1S"})
    house.provider.errors["AAPL"] = [ProviderDown("502"), SymbolUnknown("gone")]
    failed = house.trigger()
    work(house)
    house.clock.advance(timedelta(seconds=2))
    work(house)
    house.steering.retry(str(failed.id), by="ann")
    work(house)
    house.steering.cancel(str(house.trigger().id), by="ann")
    told = list(house.feed.after(0))
    assert short(told) == [
        "created",
        *("queued", "started", "retried", "progress", "failed"),
        *("retried", "started", "progress", "completed"),
        *("queued", "cancelled"),
    ]
    assert {"created", "queued", "started", "progress", "completed", "failed", "cancelled", "retried"} <= set(
        short(told)
    )
    assert {event.job_id for event in told} == {ids.job_id("DAILY")}
    assert [event.id for event in told] == sorted(event.id for event in told)


def test_the_feed_is_filtered_by_job_occurrence_and_name(house: House) -> None:
    house.define("A")
    house.define("B")
    one, other = house.trigger("A"), house.trigger("B")
    work(house)
    of_a = list(house.feed.after(0, house.feed.filter(job="A")))
    assert {event.job_id for event in of_a} == {one.job_id}
    of_one = list(house.feed.after(0, house.feed.filter(occurrence=str(other.id)[:8])))
    assert {event.occurrence_id for event in of_one} == {other.id}
    ended = list(house.feed.after(0, EventFilter(names=(EventName.COMPLETED, EventName.CREATED))))
    assert short(ended) == ["created", "created", "completed", "completed"]
    assert short(house.feed.last(1, house.feed.filter(job="A", names=[EventName.QUEUED]))) == ["queued"]  # type: ignore[arg-type]
    for unknown in ({"job": "NOBODY"}, {"occurrence": "00000000"}):
        with pytest.raises(NotFound):
            house.feed.filter(**unknown)  # type: ignore[arg-type]


def test_a_deleted_jobs_events_can_still_be_asked_for(house: House) -> None:
    house.define("A")
    house.administration.delete("A", by="ann")
    assert short(list(house.feed.after(0, house.feed.filter(job="A")))) == ["created", "deleted"]


def test_a_subscriber_goes_on_where_it_stopped(house: House) -> None:
    for name in ("A", "B", "C", "D"):
        house.define(name)
    first = list(islice(house.feed.after(0), 2))
    rest = list(house.feed.after(first[-1].id))
    assert [event.data["job"] for event in (*first, *rest)] == ["A", "B", "C", "D"]
    assert list(house.feed.after()) == []
    assert list(house.feed.after(2**63 - 1)) == []


def test_a_stream_gives_what_happens_and_a_heartbeat_where_nothing_does(house: House) -> None:
    house.define("A")
    stream = house.feed.stream(0, heartbeat=timedelta(milliseconds=50))
    assert short(list(next(stream).events)) == ["created"]
    started = time.monotonic()
    quiet = next(stream)
    assert (list(quiet.events), quiet.cursor) == ([], house.feed.newest())
    assert time.monotonic() - started < 5
    house.define("B")
    batch = next(stream)
    assert [event.data["job"] for event in batch.events] == ["B"]
    assert batch.cursor == batch.events[-1].id == house.feed.newest()


def test_a_stream_that_waits_for_one_name_moves_its_cursor_past_the_others(house: House) -> None:
    stream = house.feed.stream(0, EventFilter(names=(EventName.DELETED,)), heartbeat=timedelta(milliseconds=50))
    house.define("A")
    assert next(stream).cursor == house.feed.newest() > 0
    house.administration.delete("A", by="ann")
    assert short(list(next(stream).events)) == ["deleted"]


def test_nothing_is_passed_over_while_many_write_at_once(house: House) -> None:
    writers, each = 4, 40
    done = threading.Event()

    def write(writer: int) -> None:
        for number in range(each):
            with house.database.begin() as connection:
                events.append(connection, Event(EventName.CREATED, NOON, data={"n": f"{writer}/{number}"}))
                # The id is taken; others commit before us.
                if house.database.is_postgresql and number % 5 == writer:
                    done.wait(0.01)

    seen: list[Event] = []
    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    give_up_at = time.monotonic() + 60
    while len(seen) < writers * each and time.monotonic() < give_up_at:
        # Each look comes back with the cursor of the last, as a subscriber does that was away.
        seen.extend(islice(house.feed.after(seen[-1].id if seen else 0), 7))
    for thread in threads:
        thread.join()
    expected = {f"{writer}/{number}" for writer in range(writers) for number in range(each)}
    assert sorted(event.data["n"] for event in seen) == sorted(expected)


def test_a_follower_gets_what_is_written_after_it_began(house: House) -> None:
    following = house.feed.after(follow=True)
    writer = threading.Timer(0.3, house.define, args=["LATE"])
    writer.start()
    assert next(following).data["job"] == "LATE"
    writer.join()


def test_a_worker_that_is_lost_is_told_of(house: House) -> None:
    house.define(symbols=["AAPL"])
    house.trigger()
    house.provider.before = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)
    house.dispatch.tick()
    with pytest.raises(KeyboardInterrupt):
        house.work(Lane.REALTIME)
    house.clock.advance(timedelta(minutes=2))
    house.dispatch.tick()
    assert "lost" in short(list(house.feed.after(0)))
