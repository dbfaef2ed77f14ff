"""Looking into a real server."""

from __future__ import annotations

import pytest
import redis

from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import InvalidInput, Unreachable
from stockjobs.transport.inspector import Inspector
from stockjobs.transport.publisher import Publisher
from stockjobs.transport.setaside import SET_ASIDE_KEY, SetAside
from tests.integration.transport.knocks import historical, realtime

pytestmark = pytest.mark.integration


def test_depths_count_what_waits(redis_url: str) -> None:
    Publisher(redis_url).publish([*realtime(1, 2), *historical(3)])
    assert Inspector(redis_url).depths() == {Lane.REALTIME: 2, Lane.HISTORICAL: 1}


def test_removing_messages_takes_each_once_and_leaves_the_others(redis_url: str) -> None:
    publisher, inspector = Publisher(redis_url), Inspector(redis_url)
    first, second = realtime(1, 2)
    publisher.publish([first, second, second])
    gone = [raw for attempt, raw in inspector.messages(Lane.REALTIME) if attempt == second.attempt_id][:1]
    assert inspector.remove(Lane.REALTIME, gone) == 1
    assert sorted(attempt for attempt, _ in inspector.messages(Lane.REALTIME)) == sorted(
        [first.attempt_id, second.attempt_id]
    )
    assert inspector.remove(Lane.REALTIME, gone * 2) == 1
    assert inspector.attempt_ids(Lane.REALTIME) == {first.attempt_id}


def test_set_aside_messages_are_read_newest_first(redis_url: str, redis_db: redis.Redis) -> None:
    entries = [SetAside.of("realtime", bytes([number]), "why") for number in range(5)]
    for entry in entries:
        redis_db.lpush(SET_ASIDE_KEY, entry.to_json())
    assert Inspector(redis_url).set_aside(2) == entries[:-3:-1]
    assert Inspector(redis_url).set_aside(0) == []


def test_a_good_server_passes(redis_url: str) -> None:
    Inspector(redis_url).check_server()


def test_an_evicting_server_is_refused_with_the_cure(redis_url: str, redis_db: redis.Redis) -> None:
    redis_db.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(InvalidInput, match="maxmemory-policy noeviction"):
            Inspector(redis_url).check_server()
    finally:
        redis_db.config_set("maxmemory-policy", "noeviction")


def test_a_replica_is_refused(redis_url: str, redis_db: redis.Redis) -> None:
    redis_db.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(InvalidInput, match="replica"):
            Inspector(redis_url).check_server()
        with pytest.raises(InvalidInput, match="replica"):
            Publisher(redis_url).publish(realtime(1))
    finally:
        redis_db.replicaof("NO", "ONE")


def test_an_old_server_is_refused(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockjobs.transport.inspector.OLDEST_REDIS", (99, 0))
    with pytest.raises(InvalidInput, match="too old"):
        Inspector(redis_url).check_server()


def test_an_absent_server_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        Inspector("redis://127.0.0.1:1/0").ping()
