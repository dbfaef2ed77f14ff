"""Broker URLs: what is read, what is refused, and what is never shown."""

from __future__ import annotations

import pytest
from kombu.utils.url import parse_url
from redis.connection import parse_url as redis_parse_url

from stockjobs.errors import InvalidInput
from stockjobs.transport.urls import BrokerUrl, parse

SECRET = "S3cr3tPW"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://localhost", BrokerUrl(host="localhost")),
        ("redis://localhost:6380/3", BrokerUrl(host="localhost", port=6380, db=3)),
        ("redis://:p%40s%2Fs@h:1/0", BrokerUrl(host="h", port=1, password="p@s/s")),
        ("redis://me:pw@[::1]:7/", BrokerUrl(host="::1", port=7, username="me", password="pw")),
        ("redis+socket:///run/r.sock", BrokerUrl(socket="/run/r.sock")),
        ("redis+socket:///run/r.sock?virtual_host=2", BrokerUrl(socket="/run/r.sock", db=2)),
        ("unix://:pw@/run/a%20b.sock?db=4", BrokerUrl(socket="/run/a b.sock", db=4, password="pw")),
        ("rediss://h", BrokerUrl(host="h", tls=True)),
        (
            "rediss://h/1?ssl_cert_reqs=CERT_NONE&ssl_ca_certs=/ca.pem",
            BrokerUrl(host="h", db=1, tls=True, tls_options=(("ssl_ca_certs", "/ca.pem"), ("ssl_cert_reqs", "none"))),
        ),
    ],
)
def test_each_form_is_read(text: str, expected: BrokerUrl) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "url",
    [
        BrokerUrl(host="h", port=7, db=3, username="me", password="p@:/?#%s"),
        BrokerUrl(host="::1", password="x"),
        BrokerUrl(socket="/run/a b?.sock", db=4, password="p/w"),
        BrokerUrl(host="h", tls=True, tls_options=(("ssl_ca_certs", "/a b.pem"), ("ssl_cert_reqs", "optional"))),
    ],
)
def test_both_forms_lead_back_to_the_same_place(url: BrokerUrl) -> None:
    assert parse(url.for_redis) == url
    if not url.tls:
        assert parse(url.for_celery) == url


def test_kombu_and_redis_read_the_forms_as_meant() -> None:
    url = BrokerUrl(host="h", port=7, db=3, username="me", password="p@:/?#%s")
    kombus = parse_url(url.for_celery)
    assert (kombus["hostname"], kombus["port"], kombus["userid"], kombus["password"]) == ("h", 7, "me", url.password)
    assert (kombus["transport"], kombus["virtual_host"]) == ("redis", "3")
    expected = {"host": "h", "port": 7, "username": "me", "password": url.password, "db": 3}
    assert redis_parse_url(url.for_redis) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"redis://:{SECRET}/x@host:6379/0", "host or port"),
        (f"redis://:{SECRET}#x@host:6379/0", "host or port"),
        (f"redis://:{SECRET}@host:6379/0#{SECRET}", "#"),
        (f"{SECRET}:", "scheme"),
        (f"redis://:{SECRET}@host:notaport/0", "host or port"),
        (f"redis://:{SECRET}@host:99999/0", "host or port"),
        (f"redis://:{SECRET}@host/abc", "database"),
        (f"redis://:{SECRET}@host/-1", "database"),
        (f"redis://:{SECRET}@host/٣", "database"),
        (f"redis://:{SECRET}@/0", "no host"),
        (f"redis://:{SECRET}@host/0?x={SECRET}", "options"),
        (f"rediss://:{SECRET}@host/0?x={SECRET}", "unknown option"),
        (f"rediss://:{SECRET}@host/0?ssl_cert_reqs={SECRET}", "ssl_cert_reqs"),
        (f"redis+socket://:{SECRET}@relative/path", "not absolute"),
        (f"redis+socket://:{SECRET}@/p?virtual_host={SECRET}", "database"),
        (f"amqp://:{SECRET}@host", "scheme"),
        (f"sentinel://:{SECRET}@host", "scheme"),
        (f"host:6379/{SECRET}", "scheme"),
        ("", "scheme"),
        (f"redis://[{SECRET}", "host or port"),
    ],
)
def test_a_bad_url_is_refused_without_its_secrets(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match="REDIS_URL") as caught:
        parse(text)
    assert told in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_shown_place_has_no_credentials() -> None:
    assert parse(f"redis://me:{SECRET}@h/2").shown == "redis://h:6379/2"


def test_tls_checks_certificates_unless_told_otherwise() -> None:
    assert parse("rediss://h").celery_tls == {"ssl_cert_reqs": "required"}
    assert parse("redis://h").celery_tls is None
