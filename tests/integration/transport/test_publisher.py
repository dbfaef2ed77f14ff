"""Publishing knocks to a real server, and to none."""

from __future__ import annotations

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.errors import InvalidInput, Unreachable
from stockjobs.transport import urls
from stockjobs.transport.publisher import Publisher
from tests.fixtures.redis import redis_client
from tests.integration.transport.knocks import historical, realtime

pytestmark = pytest.mark.integration


def test_each_knock_goes_to_its_lane_and_nowhere_else(redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish([*realtime(1, 2), *historical(3)])
    assert (redis_db.llen("realtime"), redis_db.llen("historical")) == (2, 1)
    assert redis_db.dbsize() == 2


def test_no_knocks_need_no_server() -> None:
    Publisher("redis://127.0.0.1:1/0").publish([])


def test_an_absent_server_is_unreachable_without_telling_the_password() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1/0") as caught:
        Publisher("redis://:S3cr3tPW@127.0.0.1:1/0").publish(realtime(1))
    assert "S3cr3tPW" not in str(caught.value)


def test_a_silent_server_is_unreachable_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="no answer in time"):
            Publisher(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", timeout=0.3).publish(realtime(1))
        assert time.monotonic() - began < 3


def test_publishing_works_again_after_the_server_was_restarted(own_redis: EmbeddedRedis) -> None:
    publisher = Publisher(own_redis.url)
    publisher.publish(realtime(1))
    own_redis.stop()
    with pytest.raises(Unreachable):
        publisher.publish(realtime(2))
    own_redis.start()
    publisher.publish(realtime(3))
    with redis_client(own_redis.url) as client:
        assert client.llen("realtime") == 2


def test_a_full_server_is_unreachable(redis_url: str, redis_db: redis.Redis) -> None:
    redis_db.config_set("maxmemory", 1)
    try:
        with pytest.raises(Unreachable, match="refuses to serve"):
            Publisher(redis_url).publish(realtime(1))
    finally:
        redis_db.config_set("maxmemory", 0)


def test_a_wrong_password_is_told_without_it(redis_url: str, redis_db: redis.Redis) -> None:
    redis_db.config_set("requirepass", "right")
    place = urls.parse(redis_url)
    try:
        for password in ("", ":S3cr3tPW@"):
            with pytest.raises(InvalidInput, match="password") as caught:
                Publisher(f"unix://{password}{place.socket}").publish(realtime(1))
            assert "S3cr3tPW" not in str(caught.value)
    finally:
        redis_db.config_set("requirepass", "")


def test_a_database_that_does_not_exist_is_told(redis_url: str) -> None:
    with pytest.raises(InvalidInput, match="no database 99"):
        Publisher(f"unix://{urls.parse(redis_url).socket}?db=99").publish(realtime(1))


def test_threads_share_a_publisher(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(publisher.publish, realtime(*range(20))) for _ in range(40)]:
            done.result()
    assert redis_db.llen("realtime") == 800


def test_a_forked_child_uses_its_parents_publisher(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    publisher.publish(realtime(1))
    child = os.fork()
    if child == 0:
        try:
            publisher.publish(realtime(*range(50)))
        finally:
            os._exit(0)
    publisher.publish(realtime(*range(50)))
    os.waitpid(child, 0)
    assert redis_db.llen("realtime") == 101
