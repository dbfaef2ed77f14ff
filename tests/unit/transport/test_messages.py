"""A knock as a Celery message."""

from __future__ import annotations

from base64 import b64decode
from uuid import UUID

import orjson
from celery import Celery

from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane
from stockjobs.transport.messages import COLLECT_TASK, encode
from stockjobs.transport.scripts import rank_in

KNOCK = Knock(UUID(int=1), UUID(int=2), 3, Lane.HISTORICAL, "7" * 36, "NIGHTLY", "1d AAPL MSFT")


def test_the_headers_are_those_of_celery_and_the_rank() -> None:
    celerys = Celery(set_as_current=False).amqp.as_task_v2("id", "task")
    assert orjson.loads(encode(KNOCK, "me"))["headers"].keys() == celerys.headers.keys() | {"rank"}


def test_the_task_is_called_with_the_ids_and_the_lane() -> None:
    args, kwargs, _ = orjson.loads(b64decode(orjson.loads(encode(KNOCK, "me"))["body"]))
    assert args == []
    assert kwargs == {"task": str(UUID(int=1)), "attempt": 3, "lane": "historical"}


def test_the_celery_id_is_the_attempts_id() -> None:
    headers = orjson.loads(encode(KNOCK, "me"))["headers"]
    assert (headers["id"], headers["task"]) == (str(UUID(int=2)), COLLECT_TASK)


def test_people_read_the_job_and_the_subject() -> None:
    headers = orjson.loads(encode(KNOCK, "me"))["headers"]
    assert (headers["shadow"], headers["argsrepr"]) == ("collect NIGHTLY", "1d AAPL MSFT")


def test_a_long_subject_is_cut() -> None:
    long = Knock(UUID(int=1), UUID(int=2), 3, Lane.REALTIME, "7" * 36, "J", "AAPL " * 10_000)
    assert len(encode(long, "me")) < 3_000


def test_the_rank_is_found_in_the_message() -> None:
    assert rank_in(encode(KNOCK, "me")) == "7" * 36


def test_a_rank_written_into_the_subject_is_not_mistaken_for_the_messages() -> None:
    tricky = Knock(UUID(int=1), UUID(int=2), 3, Lane.REALTIME, "7" * 36, f'"rank":"{"9" * 36}"', f'"rank":"{"9" * 36}"')
    message = orjson.loads(encode(tricky, "me"))
    message["headers"]["rank"] = None
    assert rank_in(orjson.dumps(message)) == ""
