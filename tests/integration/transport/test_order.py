"""The place of a message in its lane."""

from __future__ import annotations

from typing import cast

import kombu
import orjson
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane
from stockjobs.transport.channel import install
from stockjobs.transport.publisher import Publisher
from stockjobs.transport.scripts import INSERT, insert_arguments
from tests.integration.transport.knocks import historical, knock, realtime

pytestmark = pytest.mark.integration


def served(redis_db: redis.Redis, lane: Lane) -> list[int]:
    """The attempt numbers of a lane in the order in which they will be served."""
    messages = cast("list[bytes]", redis_db.lrange(lane.value, 0, -1))
    return [int(orjson.loads(message)["headers"]["kwargsrepr"].split()[2]) for message in reversed(messages)]


def test_realtime_is_served_newest_first(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    publisher.publish(realtime(5, 1, 9))
    publisher.publish(realtime(3, 11, 0, 7))
    assert served(redis_db, Lane.REALTIME) == [11, 9, 7, 5, 3, 1, 0]


def test_historical_is_served_oldest_first(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    publisher.publish(historical(5, 1, 9))
    publisher.publish(historical(3, 11, 0, 7))
    assert served(redis_db, Lane.HISTORICAL) == [0, 1, 3, 5, 7, 9, 11]


def test_equal_ranks_are_served_in_the_order_of_publishing(redis_url: str, redis_db: redis.Redis) -> None:
    publisher = Publisher(redis_url)
    publisher.publish([knock(Lane.REALTIME, 0, 9), *(knock(Lane.REALTIME, number, 5) for number in (1, 2, 3))])
    publisher.publish([knock(Lane.REALTIME, number, 5) for number in (4, 5)])
    publisher.publish([knock(Lane.REALTIME, 6, 1), knock(Lane.REALTIME, 7, 5)])
    assert served(redis_db, Lane.REALTIME) == [0, 1, 2, 3, 4, 5, 7, 6]


def test_more_than_a_thousand_knocks_come_in_order(redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish(realtime(*range(2_500)))
    assert served(redis_db, Lane.REALTIME) == list(reversed(range(2_500)))


def test_a_knock_published_twice_stands_twice_in_the_lane(redis_url: str, redis_db: redis.Redis) -> None:
    twice: list[Knock] = realtime(4) * 2
    Publisher(redis_url).publish(realtime(1, 9) + twice)
    assert served(redis_db, Lane.REALTIME) == [9, 4, 4, 1]


def test_a_message_without_rank_is_served_last(redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish(realtime(1, 2))
    install()
    with kombu.Connection(redis_url) as connection, connection.Producer() as producer:
        for number in (10, 11):
            producer.publish([], routing_key="realtime", headers={"kwargsrepr": f"foreign, attempt {number}"})
    Publisher(redis_url).publish(realtime(0))
    assert served(redis_db, Lane.REALTIME) == [2, 1, 0, 10, 11]


def test_a_ranked_message_published_through_kombu_takes_its_place(redis_url: str, redis_db: redis.Redis) -> None:
    Publisher(redis_url).publish(realtime(1, 3))
    install()
    with kombu.Connection(redis_url) as connection, connection.Producer() as producer:
        headers = {"rank": f"{2:036d}", "kwargsrepr": "foreign, attempt 2"}
        producer.publish([], routing_key="realtime", headers=headers)
        with producer.batch(max_size=10):
            producer.publish([], routing_key="realtime", headers={**headers, "kwargsrepr": "foreign, attempt 22"})
    assert served(redis_db, Lane.REALTIME) == [3, 2, 22, 1]


def test_a_returning_message_stands_before_its_equals(redis_db: redis.Redis) -> None:
    insert = redis_db.register_script(INSERT)
    rank = "5" * 36
    bodies = [orjson.dumps({"headers": {"rank": rank, "kwargsrepr": f"a attempt {n} "}}) for n in range(4)]
    insert(["realtime"], insert_arguments([(rank, body) for body in bodies[2:]]))
    insert(["realtime"], insert_arguments([(rank, body) for body in bodies[:2]], returns=True))
    assert served(redis_db, Lane.REALTIME) == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [1, 100])
def test_no_message_is_lost_in_a_lane_that_a_stranger_has_disordered(
    redis_url: str, redis_db: redis.Redis, count: int
) -> None:
    publisher = Publisher(redis_url)
    for number in (9, 1, 5, 3):
        publisher.publish(realtime(number))
        redis_db.lmove("realtime", "strange", "LEFT", "RIGHT")
    redis_db.rename("strange", "realtime")
    redis_db.rpush("realtime", "junk")
    redis_db.lpush("realtime", "junk")
    for number in range(12):
        publisher.publish(realtime(*[number] * count))
    assert redis_db.llen("realtime") == 6 + 12 * count


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    calls=st.lists(
        st.tuples(st.booleans(), st.lists(st.integers(0, 9) | st.none(), min_size=1, max_size=14)), max_size=8
    )
)
def test_any_sequence_of_insertions_equals_a_stable_sort(
    redis_db: redis.Redis, calls: list[tuple[bool, list[int | None]]]
) -> None:
    redis_db.delete("lane")
    insert = redis_db.register_script(INSERT)
    model: list[tuple[str, int]] = []
    number = 0
    for returns, ranks in calls:
        batch = []
        for value in ranks:
            rank = "" if value is None else f"{value:036d}"
            batch.append((rank, number))
            number += 1
        messages = [(rank, orjson.dumps({"headers": {"rank": rank or None}, "n": n})) for rank, n in batch]
        insert(["lane"], insert_arguments(messages, returns=returns))
        # The model: returning messages go before what is there, new ones behind; then all stand by rank.
        model = sorted(batch + model if returns else model + batch, key=lambda entry: entry[0], reverse=True)
    found = [orjson.loads(message)["n"] for message in reversed(cast("list[bytes]", redis_db.lrange("lane", 0, -1)))]
    assert found == [n for _, n in model]
