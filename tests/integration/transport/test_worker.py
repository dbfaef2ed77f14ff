"""Real Celery workers on the lanes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import cast

import kombu
import orjson
import pytest
import redis
from celery import Celery

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.work.lanes import Lane
from stockjobs.transport.channel import install
from stockjobs.transport.inspector import Inspector
from stockjobs.transport.publisher import Publisher
from tests.fixtures.redis import done, eventually, redis_client, release, worker
from tests.integration.transport.knocks import historical, knock, realtime
from tests.unit.transport.test_guard import MALFORMED

pytestmark = pytest.mark.integration

POOLS = pytest.mark.parametrize("pool", ["prefork", "threads"])


@POOLS
def test_lanes_are_served_in_order_with_the_reserved_share(redis_url: str, redis_db: redis.Redis, pool: str) -> None:
    publisher = Publisher(redis_url)
    publisher.publish([*historical(*range(30)), *realtime(*range(30))])
    with worker(redis_url, pool=pool) as process:
        eventually(lambda: len(done(redis_db)) == 60, tell=process.output)
    served = done(redis_db)
    assert [entry for entry in served if "realtime" in entry] == [f"realtime {n}" for n in reversed(range(30))]
    assert [entry for entry in served if "historical" in entry] == [f"historical {n}" for n in range(30)]
    # While both lanes have work each tenth is historical, and after that the rest.
    assert [place for place, entry in enumerate(served[:33], start=1) if "historical" in entry] == [10, 20, 30]


def test_without_a_share_realtime_strictly_precedes(redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish([*historical(*range(15)), *realtime(*range(15))])
    with worker(redis_url, queues="historical,realtime", PROBE_SHARE="0") as process:
        eventually(lambda: len(done(redis_db)) == 30, tell=process.output)
    assert all("realtime" in entry for entry in done(redis_db)[:15])


@POOLS
def test_a_free_slot_takes_the_newest_realtime_message(redis_url: str, redis_db: redis.Redis, pool: str) -> None:
    publisher = Publisher(redis_url)
    publisher.publish([*realtime(1, 2), *historical(1, 2)])
    with worker(redis_url, pool=pool, slots=2, PROBE_GATED="1") as process:
        eventually(lambda: len(done(redis_db)) == 2, tell=process.output)
        # Both slots are taken; what comes now is newer than what was there, and nothing of the old was held back.
        publisher.publish(realtime(3, 4))
        for count in (3, 4, 5, 6):
            release(redis_db, 1)
            eventually(lambda count=count: len(done(redis_db)) == count, tell=process.output)  # type: ignore[misc]
        release(redis_db, 2)
    assert done(redis_db)[2:] == ["realtime 4", "realtime 3", "historical 1", "historical 2"]


def test_a_full_pool_of_threads_takes_the_next_message_at_once(redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish(realtime(*range(200)))
    with worker(redis_url, pool="threads", slots=2) as process:
        eventually(lambda: len(done(redis_db)) > 0, tell=process.output)
        # At the pace of the loop's timer this would take minutes.
        eventually(lambda: len(done(redis_db)) == 200, within=10, tell=process.output)


@POOLS
def test_malformed_messages_are_set_aside_and_all_others_done(redis_url: str, redis_db: redis.Redis, pool: str) -> None:
    for number, (raw, _) in enumerate(MALFORMED.values()):
        redis_db.rpush("realtime" if number % 2 else "historical", raw)
    Publisher(redis_url).publish([*realtime(*range(10)), *historical(*range(10))])
    for raw, _ in MALFORMED.values():
        redis_db.rpush("realtime", raw)
    with worker(redis_url, pool=pool, slots=4) as process:
        eventually(lambda: len(done(redis_db)) == 20, tell=process.output)
        eventually(lambda: redis_db.llen("stockjobs:set-aside") == 2 * len(MALFORMED), tell=process.output)
        assert process.process.poll() is None
        assert "Restarting" not in process.output()
        assert "Trying to re-establish" not in process.output()
    assert redis_db.llen("realtime") == redis_db.llen("historical") == 0
    found = Inspector(redis_url).set_aside(1_000)
    assert {entry.raw for entry in found} == {raw[:16_384] for raw, _ in MALFORMED.values()}
    assert all(reason in next(e.reason for e in found if e.raw == raw[:16_384]) for raw, reason in MALFORMED.values())


def test_an_unknown_task_is_refused_by_the_worker_and_not_set_aside(redis_url: str, redis_db: redis.Redis) -> None:
    install()
    with kombu.Connection(redis_url) as connection, connection.Producer() as producer:
        producer.publish(
            [[], {}, {}], routing_key="realtime", headers={"id": "1", "task": "nobody.knows"}, serializer="json"
        )
    Publisher(redis_url).publish(realtime(0))
    with worker(redis_url) as process:
        eventually(lambda: "nobody.knows" in process.output() and len(done(redis_db)) == 1, tell=process.output)
        assert redis_db.exists("stockjobs:set-aside") == 0


@POOLS
def test_a_foreign_queue_on_the_same_worker_is_served(redis_url: str, redis_db: redis.Redis, pool: str) -> None:
    install()
    with kombu.Connection(redis_url) as connection, connection.Producer() as producer:
        for number in range(3):
            producer.publish(
                [[number], {}, {}],
                routing_key="celery",
                priority=3 * (number % 2),
                headers={"id": f"foreign-{number}", "task": "probe.foreign"},
                serializer="json",
            )
    Publisher(redis_url).publish([*realtime(1), *historical(1)])
    with worker(redis_url, queues="realtime,historical,celery", pool=pool) as process:
        eventually(lambda: len(done(redis_db)) == 5, tell=process.output)
        eventually(lambda: redis_db.hlen("unacked") == 0, tell=process.output)
    assert sorted(done(redis_db)[2:]) == ["foreign 0", "foreign 1", "foreign 2"]


@POOLS
def test_work_goes_on_after_the_broker_was_restarted_in_the_middle(own_redis: EmbeddedRedis, pool: str) -> None:
    publisher = Publisher(own_redis.url)
    publisher.publish(realtime(*range(300)))
    with worker(own_redis.url, pool=pool, slots=2, mingles=True) as process, redis_client(own_redis.url) as client:
        eventually(lambda: len(done(client)) > 20, tell=process.output)
        own_redis.stop()
        eventually(
            lambda: "Trying again" in process.output() or "re-establish" in process.output(), tell=process.output
        )
        own_redis.start()
        publisher.publish(realtime(*range(300, 310)))
        eventually(lambda: client.llen("realtime") == 0, within=40, tell=process.output)
        eventually(lambda: {f"realtime {n}" for n in range(300, 310)} <= set(done(client)), tell=process.output)
        assert process.process.poll() is None
        # Held by the worker when the server went: at most what its two slots had. The ledger sends those again.
        assert len({*done(client)}) >= 310 - 4


def test_a_worker_survives_having_its_connections_cut(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    publisher.publish(realtime(0))
    with worker(redis_url, mingles=True) as process:
        eventually(lambda: len(done(redis_db)) == 1, tell=process.output)
        for number in range(1, 4):
            redis_db.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            redis_db.execute_command("SCRIPT", "FLUSH")
            publisher.publish(realtime(number))
            eventually(lambda number=number: f"realtime {number}" in done(redis_db), tell=process.output)  # type: ignore[misc]
        assert process.process.poll() is None


def test_a_stopped_worker_puts_nothing_out_of_order(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    publisher.publish(realtime(*range(6)))
    with worker(redis_url, slots=2, PROBE_GATED="1") as process:
        eventually(lambda: len(done(redis_db)) == 2, tell=process.output)
        process.process.send_signal(signal.SIGTERM)
        release(redis_db, 2)
        process.process.wait(60)
    numbers = [int(orjson.loads(raw)["headers"]["kwargsrepr"].split()[2]) for raw in _lane(redis_db)]
    assert numbers == [0, 1, 2, 3]


def test_an_idle_worker_asks_about_once_a_second_and_wakes_at_once(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    publisher.publish(realtime(0))
    with worker(redis_url) as process:
        eventually(lambda: len(done(redis_db)) == 1, tell=process.output)

        def asked() -> tuple[int, int]:
            stats = cast("dict[str, dict[str, int]]", redis_db.info("commandstats"))
            brpop, *scripts = (
                stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("brpop", "evalsha", "eval")
            )
            return brpop, sum(scripts)

        # Its first wait for a message may still belong to the one that it has just done.
        first = asked()[0] + 2
        eventually(lambda: asked()[0] >= first, tell=process.output)
        before, scripts = asked()
        eventually(lambda: asked()[0] >= before + 3, tell=process.output)
        worked = _cpu_seconds(process.process.pid) if sys.platform == "linux" else 0.0
        eventually(lambda: asked()[0] >= before + 6, tell=process.output)
        if sys.platform == "linux":
            assert _cpu_seconds(process.process.pid) - worked < 0.5
        waits, calls = asked()
        # One for each wait; the last look may have come between a script and its wait.
        assert calls - scripts <= waits - before + 1


def test_nothing_is_kept_in_unacked_for_the_lanes(redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish(realtime(1))
    with worker(redis_url, PROBE_GATED="1") as process:
        eventually(lambda: len(done(redis_db)) == 1, tell=process.output)
        assert redis_db.exists("unacked", "unacked_index") == 0
        release(redis_db, 1)


def test_a_lane_may_be_added_and_dropped_while_the_worker_runs(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    with worker(redis_url, queues="historical") as process:
        publisher.publish(historical(1))
        eventually(lambda: done(redis_db) == ["historical 1"], tell=process.output)
        control = Celery(broker=redis_url, set_as_current=False).control
        control.add_consumer("realtime", reply=True)
        publisher.publish(realtime(1))
        eventually(lambda: "realtime 1" in done(redis_db), tell=process.output)
        control.cancel_consumer("historical", reply=True)
        publisher.publish([*historical(2), *realtime(2)])
        eventually(lambda: "realtime 2" in done(redis_db), tell=process.output)
        assert redis_db.llen("historical") == 1


def test_a_grown_pool_takes_one_message_more(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    publisher.publish(realtime(1))
    with worker(redis_url, PROBE_GATED="1") as process:
        eventually(lambda: len(done(redis_db)) == 1, tell=process.output)
        publisher.publish(realtime(2, 3))
        Celery(broker=redis_url, set_as_current=False).control.pool_grow(1, reply=True)
        eventually(lambda: redis_db.llen("realtime") == 1, tell=process.output)
        release(redis_db, 3)
        eventually(lambda: len(done(redis_db)) == 3, tell=process.output)


def test_a_worker_killed_with_its_children_loses_only_what_it_was_doing(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    publisher.publish([knock(Lane.REALTIME, number, number) for number in range(6)])
    with worker(redis_url, slots=2, PROBE_GATED="1") as process:
        eventually(lambda: len(done(redis_db)) == 2, tell=process.output)
        os.killpg(process.process.pid, signal.SIGKILL)
        process.process.wait()
    assert redis_db.llen("realtime") == 4


def _lane(redis_db: redis.Redis) -> list[bytes]:
    return cast("list[bytes]", redis_db.lrange("realtime", 0, -1))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
