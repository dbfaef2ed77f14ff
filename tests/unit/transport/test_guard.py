"""The guard lets through what a worker can take, and nothing else."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest
from celery import Celery
from celery.exceptions import InvalidTaskError
from celery.worker.request import Request
from hypothesis import given, settings
from hypothesis import strategies as st
from kombu.transport.virtual import Channel, Message

from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane
from stockjobs.transport.guard import Malformed, Payload, examine
from stockjobs.transport.messages import encode

GOOD = encode(Knock(UUID(int=1), UUID(int=2), 3, Lane.REALTIME, "5" * 36, "DEMO", "1d AAPL"), "me@here")


def changed(change: Callable[[Payload], object]) -> bytes:
    message = orjson.loads(GOOD)
    change(message)
    return orjson.dumps(message)


def with_header(name: str, value: object) -> bytes:
    return changed(lambda message: message["headers"].update({name: value}))


def with_body(body: object) -> bytes:
    encoded = b64encode(orjson.dumps(body)).decode()
    return changed(lambda message: message.update(body=encoded))


def test_our_own_message_passes() -> None:
    assert examine(GOOD) == orjson.loads(GOOD)


@pytest.mark.parametrize(
    "raw",
    [
        with_header("task", "a.task.nobody.knows"),
        with_header("eta", "2030-01-01T00:00:00+00:00"),
        with_header("timelimit", [30, 20.5]),
        with_header("traceparent", "a header of somebody else"),
        with_body([[1], {"a": 2}, None]),
        with_body([[], {"at": {"__type__": "datetime", "__value__": "2030-01-01T00:00:00"}}, {}]),
        changed(lambda message: (message.update(body="[[], {}, {}]"), message["properties"].pop("body_encoding"))),
    ],
)
def test_what_a_worker_can_take_passes(raw: bytes) -> None:
    assert not isinstance(examine(raw), Malformed)


MALFORMED: dict[str, tuple[bytes, str]] = {
    "bytes that are not text": (b"\xff\xfe\x00", "not JSON"),
    "empty": (b"", "not JSON"),
    "cut JSON": (GOOD[:-5], "not JSON"),
    "deep JSON": (b"[" * 100_000, "not JSON"),
    "a lone surrogate": (GOOD.replace(b"AAPL", b"\\ud800"), "not JSON"),
    "null": (b"null", "nothing"),
    "a number": (b"42", "a number"),
    "a text": (b'"x"', "a text"),
    "a list": (b"[]", "a list"),
    "an empty object": (b"{}", "properties"),
    "no properties": (changed(lambda message: message.pop("properties")), "properties"),
    "properties a list": (changed(lambda message: message.update(properties=[])), "properties"),
    "no delivery_tag": (changed(lambda m: m["properties"].pop("delivery_tag")), "delivery_tag"),
    "no delivery_info": (changed(lambda m: m["properties"].pop("delivery_info")), "delivery_info"),
    "delivery_info a text": (changed(lambda m: m["properties"].update(delivery_info="x")), "delivery_info"),
    "exchange a number": (changed(lambda m: m["properties"]["delivery_info"].update(exchange=1)), "exchange"),
    "unknown body encoding": (changed(lambda m: m["properties"].update(body_encoding="zip")), "body_encoding"),
    "reply_to an object": (changed(lambda m: m["properties"].update(reply_to={})), "reply_to"),
    "no headers": (changed(lambda message: message.pop("headers")), "headers"),
    "headers null": (changed(lambda message: message.update(headers=None)), "headers"),
    "no id": (changed(lambda message: message["headers"].pop("id")), "headers.id"),
    "id an object": (with_header("id", {}), "headers.id"),
    "id empty": (with_header("id", ""), "headers.id"),
    "no task": (changed(lambda message: message["headers"].pop("task")), "headers.task"),
    "task a number": (with_header("task", 7), "headers.task"),
    "time limit a text": (with_header("timelimit", "soon"), "timelimit"),
    "time limit of one": (with_header("timelimit", [1]), "timelimit"),
    "time limit of three": (with_header("timelimit", [1, 2, 3]), "timelimit"),
    "time limit of texts": (with_header("timelimit", ["1", None]), "timelimit"),
    "time limit negative": (with_header("timelimit", [-1, None]), "timelimit"),
    "retries a text": (with_header("retries", "many"), "retries"),
    "eta a number": (with_header("eta", 5), "eta"),
    "eta no time": (with_header("eta", "tomorrow"), "eta"),
    "expires a list": (with_header("expires", []), "expires"),
    "shadow a list": (with_header("shadow", ["x"]), "shadow"),
    "root_id an object": (with_header("root_id", {}), "root_id"),
    "argsrepr a number": (with_header("argsrepr", 5), "argsrepr"),
    "stamps a list": (with_header("stamps", []), "stamps"),
    "stamped_headers a number": (with_header("stamped_headers", 3), "stamped_headers"),
    "compressed": (with_header("compression", "application/x-gzip"), "compression"),
    "no content type": (changed(lambda message: message.pop("content-type")), "content-type"),
    "pickle": (changed(lambda m: m.update({"content-type": "application/x-python-serialize"})), "content-type"),
    "binary": (changed(lambda message: message.update({"content-encoding": "binary"})), "content-encoding"),
    "no body": (changed(lambda message: message.pop("body")), "body: missing"),
    "body null": (changed(lambda message: message.update(body=None)), "body: missing"),
    "body an object": (changed(lambda message: message.update(body={})), "body: missing"),
    "body no base64": (changed(lambda message: message.update(body="!!")), "cannot be decoded"),
    "body no JSON": (changed(lambda message: message.update(body="AAAA")), "cannot be decoded"),
    "body deep": (with_body([[], {}, {}]).replace(b'body":"', b'body":"' + b"W1tb" * 9_000), "cannot be decoded"),
    "body of one": (with_body([[]]), "expected [args"),
    "body null in base64": (with_body(None), "expected [args"),
    "body of protocol 1": (with_body({"id": "1", "task": "x", "args": [], "kwargs": {}}), "expected [args"),
    "args an object": (with_body([{}, {}, {}]), "expected args"),
    "kwargs a list": (with_body([[], [], {}]), "expected args"),
    "embed a text": (with_body([[], {}, "x"]), "expected embed"),
    "embed overwrites the call": (with_body([[], {}, {"args": 1}]), "expected embed"),
    "callbacks a number": (with_body([[], {}, {"callbacks": 5}]), "embed.callbacks"),
    "a marked object of no type": (with_body([[], {"a": {"__type__": "x", "__value__": 1}}, {}]), "cannot be decoded"),
    "a marked date that is none": (
        with_body([[], {"a": {"__type__": "datetime", "__value__": 5}}, {}]),
        "cannot be decoded",
    ),
}


@pytest.mark.parametrize(("raw", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_message_is_named_with_its_reason(raw: bytes, reason: str) -> None:
    found = examine(raw)
    assert isinstance(found, Malformed)
    assert reason in found.reason


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
HEADERS = sorted(orjson.loads(GOOD)["headers"])
PROPERTIES = sorted(orjson.loads(GOOD)["properties"])


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    headers=st.dictionaries(st.sampled_from(HEADERS), JUNK, max_size=3),
    properties=st.dictionaries(st.sampled_from(PROPERTIES), JUNK, max_size=2),
    body=st.none() | JUNK,
)
def test_whatever_passes_can_be_made_into_a_request(
    headers: dict[str, Any], properties: dict[str, Any], body: object
) -> None:
    message = orjson.loads(GOOD if body is None else with_body(body))
    message["headers"].update(headers)
    message["properties"].update(properties)
    found = examine(orjson.dumps(message))
    if not isinstance(found, Malformed):
        request_of(found)


APP = Celery(set_as_current=False)


@APP.task(name="any")  # type: ignore[untyped-decorator]
def any_task() -> None:
    """Stands for the task that is asked for."""


def request_of(message: Payload) -> None:
    """What a worker does with a message before the task starts."""
    channel = Channel.__new__(Channel)
    raw = Message(message, channel=channel, accept=["application/json"])
    try:
        request = Request(raw, app=APP, task=APP.tasks["any"])
    except InvalidTaskError:
        return  # a worker logs this and goes on
    assert request.id in str(request.info(safe=True)) + str(request)
    _hard, _soft = request.time_limits
