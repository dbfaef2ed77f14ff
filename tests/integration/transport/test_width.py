"""Growing and shrinking real workers by Celery's own commands, while they work."""

from __future__ import annotations

import re
from typing import Any

import pytest
import redis
from celery import Celery

from stockjobs.transport.control import Answer, Control
from stockjobs.transport.publisher import Publisher
from tests.fixtures.redis import CeleryProcess, done, eventually, release, worker
from tests.integration.transport.knocks import realtime

pytestmark = pytest.mark.integration

POOLS = pytest.mark.parametrize("pool", ["prefork", "threads"])


def told(redis_url: str, command: str, *arguments: int) -> dict[str, Any]:
    """What the only worker says to a command, as soon as it listens."""
    control = Celery(broker=redis_url, set_as_current=False).control
    eventually(lambda: bool(control.ping(timeout=1, limit=1)))
    [reply] = getattr(control, command)(*arguments, reply=True, timeout=30, limit=1)
    [said] = reply.values()
    return dict(said)


def runs(client: redis.Redis, process: CeleryProcess, count: int) -> None:
    """Wait until so many tasks have begun."""
    eventually(lambda: len(done(client)) == count, tell=process.output)


@POOLS
def test_a_pool_grown_from_two_to_four_runs_four_at_once(redis_url: str, redis_db: redis.Redis, pool: str) -> None:
    Publisher(redis_url).publish(realtime(*range(9)))
    with worker(redis_url, pool=pool, slots=2, PROBE_GATED="1") as process:
        runs(redis_db, process, 2)
        assert told(redis_url, "pool_grow", 2) == {"ok": "pool will grow"}
        # Nobody has let a task go: so four run beside each other, and no message waits behind a busy process.
        runs(redis_db, process, 4)
        assert redis_db.llen("realtime") == 5
        release(redis_db, 5)
        runs(redis_db, process, 9)
        release(redis_db, 4)


@POOLS
def test_a_busy_pool_shrunk_to_one_loses_nothing(redis_url: str, redis_db: redis.Redis, pool: str) -> None:
    Publisher(redis_url).publish(realtime(*range(8)))
    with worker(redis_url, pool=pool, slots=3, PROBE_GATED="1") as process:
        runs(redis_db, process, 3)
        assert told(redis_url, "pool_shrink", 2) == {"ok": "pool will shrink"}
        assert "one must be left" in told(redis_url, "pool_shrink")["error"]
        release(redis_db, 2)
        eventually(lambda: redis_db.llen("probe:gate") == 0, tell=process.output)
        assert redis_db.llen("realtime") == 5
        for count in (4, 5, 6, 7, 8):
            release(redis_db, 1)
            runs(redis_db, process, count)
            assert redis_db.llen("realtime") == 8 - count
        release(redis_db, 1)
        eventually(lambda: process.output().count("succeeded") == 8, tell=process.output)
    assert sorted(done(redis_db)) == sorted(f"realtime {n}" for n in range(8))


@POOLS
def test_a_pool_may_be_shrunk_and_grown_again(redis_url: str, redis_db: redis.Redis, pool: str) -> None:
    publisher = Publisher(redis_url)
    with worker(redis_url, pool=pool, slots=3, PROBE_GATED="1") as process:
        for _ in range(3):
            assert "ok" in told(redis_url, "pool_shrink", 2)
            assert "ok" in told(redis_url, "pool_grow", 2)
        publisher.publish(realtime(*range(5)))
        runs(redis_db, process, 3)
        assert redis_db.llen("realtime") == 2
        release(redis_db, 5)
        eventually(lambda: process.output().count("succeeded") == 5, tell=process.output)


def test_a_solo_pool_says_that_it_cannot_grow(redis_url: str, redis_db: redis.Redis) -> None:
    with worker(redis_url, pool="solo"):
        assert "the width that it was started with" in told(redis_url, "pool_grow")["error"]


def test_a_dropped_lane_gets_nothing_more_and_an_added_one_goes_on(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    control = Celery(broker=redis_url, set_as_current=False).control
    with worker(redis_url) as process:
        eventually(lambda: bool(control.ping(timeout=1, limit=1)), tell=process.output)
        control.cancel_consumer("realtime", reply=True, limit=1)
        eventually(lambda: "Canceling queue realtime" in process.output(), tell=process.output)
        publisher.publish(realtime(*range(5)))
        # Longer than a wait for messages that was under way when the lane was dropped.
        before = int(redis_db.info("commandstats")["cmdstat_brpop"]["calls"])
        eventually(lambda: int(redis_db.info("commandstats")["cmdstat_brpop"]["calls"]) >= before + 3)
        assert redis_db.llen("realtime") == 5
        assert done(redis_db) == []
        control.add_consumer("realtime", reply=True, limit=1)
        runs(redis_db, process, 5)


def test_a_command_is_given_though_the_connections_of_the_last_one_were_cut(
    redis_url: str, redis_db: redis.Redis
) -> None:
    control = Control(redis_url, timeout=30)
    with worker(redis_url, mingles=True) as process:
        eventually(lambda: "ready." in process.output(), tell=process.output)
        node = re.findall(r"w\d+@\S+", process.output())[0]
        assert control.grow([node], 1) == [Answer(node, True, "pool will grow")]
        redis_db.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        redis_db.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        eventually(lambda: process.output().count("mingle: all alone") == 2, tell=process.output)
        app = Celery(broker=redis_url, set_as_current=False)
        with app.connection_for_write() as fresh:
            eventually(lambda: bool(app.control.ping(limit=1, connection=fresh)), tell=process.output)
        assert control.grow([node], 1) == [Answer(node, True, "pool will grow")]
    control.close()
