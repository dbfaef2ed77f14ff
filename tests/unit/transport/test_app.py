"""The Celery application as it is configured."""

from __future__ import annotations

import pytest
from celery.app.defaults import DEFAULTS
from kombu import Connection
from kombu.transport import get_transport_cls

from stockjobs.errors import InvalidInput
from stockjobs.transport.app import TransportConfig, make_app, options
from stockjobs.transport.channel import LaneTransport, in_lane_order, install

CONFIG = TransportConfig("redis://localhost:1/0")


def test_every_option_is_known_to_celery() -> None:
    assert options(CONFIG).keys() - DEFAULTS.keys() == set()


def test_lanes_have_exchanges_and_keys_of_their_own() -> None:
    queues = make_app(CONFIG).amqp.queues
    assert [(name, q.exchange.name, q.routing_key) for name, q in queues.items()] == [
        ("realtime", "realtime", "realtime"),
        ("historical", "historical", "historical"),
    ]


def test_only_json_is_accepted() -> None:
    assert make_app(CONFIG).conf.accept_content == ["json"]


def test_messages_are_acknowledged_early_and_none_is_held() -> None:
    conf = make_app(CONFIG).conf
    assert (conf.task_acks_late, conf.worker_prefetch_multiplier, conf.worker_disable_prefetch) == (False, 1, True)


def test_a_bad_broker_url_is_refused() -> None:
    with pytest.raises(InvalidInput):
        make_app(TransportConfig("amqp://guest@localhost"))


@pytest.mark.parametrize("url", ["redis://h/0", "rediss://h/0", "redis+socket:///run/x.sock"])
def test_our_transport_stands_behind_every_redis_url(url: str) -> None:
    install()
    install()
    assert Connection(url).get_transport_cls() is LaneTransport


def test_our_transport_is_found_even_after_kombus_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(get_transport_cls.__globals__["TRANSPORT_ALIASES"], "redis", "kombu.transport.redis:Transport")
    monkeypatch.delitem(get_transport_cls.__globals__["_transport_cache"], "redis", raising=False)
    assert get_transport_cls("redis") is not LaneTransport
    install()
    assert get_transport_cls("redis") is LaneTransport


@pytest.mark.parametrize(
    ("given", "served"),
    [
        (["historical", "realtime"], ["realtime", "historical"]),
        (["historical", "other", "realtime"], ["realtime", "other", "historical"]),
        (["other", "historical"], ["other", "historical"]),
        ([], []),
    ],
)
def test_realtime_comes_first_however_the_queues_are_named(given: list[str], served: list[str]) -> None:
    assert in_lane_order(given) == served
