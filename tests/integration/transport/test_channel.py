"""The channel, used through kombu without a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import kombu
import pytest
import redis

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.transport.channel import install
from stockjobs.transport.publisher import Publisher
from tests.fixtures.redis import redis_client
from tests.integration.transport.knocks import historical, realtime

pytestmark = pytest.mark.integration


@pytest.fixture
def connection(redis_url: str) -> Iterator[kombu.Connection]:
    """A kombu connection on our transport."""
    install()
    with kombu.Connection(redis_url, transport_options={"queue_order_strategy": "priority"}) as made:
        yield made


def consumer(connection: kombu.Connection, received: list[Any], prefetch: int, *queues: str) -> Any:
    """A consumer that keeps what it receives, unacknowledged."""
    made = connection.Consumer(
        [kombu.Queue(name, kombu.Exchange(name), routing_key=name) for name in queues or ("realtime", "historical")],
        callbacks=[lambda _, message: received.append(message)],
    )
    made.qos(prefetch_count=prefetch)
    made.consume()
    return made


def drain(connection: kombu.Connection) -> None:
    """Take events until nothing comes at once."""
    try:
        while True:
            connection.drain_events(timeout=0.3)
    except TimeoutError:
        return


def lane(redis_db: redis.Redis, name: str = "realtime") -> list[bytes]:
    """The messages of a lane as they stand."""
    return cast("list[bytes]", redis_db.lrange(name, 0, -1))


def test_no_more_is_taken_than_prefetch_allows(
    connection: kombu.Connection, redis_url: str, redis_db: redis.Redis
) -> None:
    Publisher(redis_url).publish(realtime(*range(10)))
    received: list[Any] = []
    consumer(connection, received, 3)
    drain(connection)
    assert (len(received), redis_db.llen("realtime")) == (3, 7)
    received[0].ack()
    drain(connection)
    assert (len(received), redis_db.llen("realtime")) == (4, 6)


def test_a_batch_is_fetched_by_one_command(connection: kombu.Connection, redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish(realtime(*range(50)))
    received: list[Any] = []
    consumer(connection, received, 50)
    redis_db.config_resetstat()
    drain(connection)
    assert len(received) == 50
    assert redis_db.info("commandstats")["cmdstat_eval"]["calls"] == 1


def test_closing_returns_what_was_not_acknowledged_to_its_place(
    connection: kombu.Connection, redis_url: str, redis_db: redis.Redis
) -> None:
    publisher = Publisher(redis_url)
    publisher.publish([*realtime(*range(6)), *historical(*range(6))])
    before = lane(redis_db), lane(redis_db, "historical")
    received: list[Any] = []
    made = consumer(connection, received, 8)
    drain(connection)
    assert redis_db.llen("realtime") + redis_db.llen("historical") == 4
    publisher.publish(realtime(99))
    newest = lane(redis_db)[-1]
    made.channel.close()
    assert lane(redis_db) == [*before[0], newest]
    assert lane(redis_db, "historical") == before[1]
    assert redis_db.exists("unacked", "unacked_index") == 0


def test_a_requeued_message_returns_to_its_place(
    connection: kombu.Connection, redis_url: str, redis_db: redis.Redis
) -> None:
    Publisher(redis_url).publish(realtime(1, 2, 3))
    before = lane(redis_db)
    received: list[Any] = []
    made = consumer(connection, received, 2)
    drain(connection)
    made.cancel()
    received[1].requeue()
    received[0].requeue()
    assert lane(redis_db) == before


def test_when_taking_a_message_fails_the_others_of_its_batch_return(
    connection: kombu.Connection, redis_url: str, redis_db: redis.Redis
) -> None:
    Publisher(redis_url).publish(realtime(*range(5)))
    before = lane(redis_db)

    def refuse(*_: object) -> None:
        raise RuntimeError("no")

    made = consumer(connection, [], 5)
    made.callbacks[:] = [refuse]
    with pytest.raises(RuntimeError):
        drain(connection)
    assert lane(redis_db) == before[:-1]
    made.channel.close()
    assert lane(redis_db) == before


def test_giving_up_on_a_server_that_is_gone_is_quiet(own_redis: EmbeddedRedis) -> None:
    install()
    Publisher(own_redis.url).publish(realtime(1))
    received: list[Any] = []
    with kombu.Connection(own_redis.url) as connection:
        made = consumer(connection, received, 1)
        drain(connection)
        own_redis.stop()
        made.channel.qos.restore_unacked_once()
        own_redis.start()
    with redis_client(own_redis.url) as client:
        assert client.llen("realtime") == 0


def test_the_same_knock_twice_is_two_messages_for_the_consumer(connection: kombu.Connection, redis_url: str) -> None:
    Publisher(redis_url).publish(realtime(1) * 2)
    received: list[Any] = []
    consumer(connection, received, 5)
    drain(connection)
    assert len({message.delivery_tag for message in received}) == 2


def test_a_foreign_queue_keeps_kombus_bookkeeping(connection: kombu.Connection, redis_db: redis.Redis) -> None:
    with connection.Producer() as producer:
        producer.publish({"a": 1}, routing_key="foreign")
    received: list[Any] = []
    consumer(connection, received, 5, "realtime", "foreign")
    drain(connection)
    assert redis_db.hlen("unacked") == 1
    received[0].ack()
    assert redis_db.hlen("unacked") == 0


def test_a_plain_brpop_serves_the_best_first(redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish(realtime(1, 5, 3))
    _, message = cast("tuple[bytes, bytes]", redis_db.brpop(["realtime"], timeout=1))
    assert b"attempt 5 of" in message
