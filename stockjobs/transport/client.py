"""A plain connection to Redis, and its errors in our words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from stockjobs.errors import BrokerAway, InvalidInput
from stockjobs.transport.urls import BrokerUrl

_CERTIFICATES = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}


def connect(url: BrokerUrl, timeout: float) -> redis.Redis:
    """A client that connects when it is first used; safe to share by threads and across a fork.

    `timeout` bounds connecting and each answer, in seconds. A command is sent a second time if its connection was found
    broken, as after a restart of the server; so whatever is sent must be harmless when it happens twice.
    """
    place: dict[str, Any] = {"unix_socket_path": url.socket} if url.socket else {"host": url.host, "port": url.port}
    return redis.Redis(
        **place,
        **_tls(url),
        db=url.db,
        username=url.username or None,
        password=url.password or None,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=0,
    )


@contextmanager
def translated(url: BrokerUrl) -> Iterator[None]:
    """Turn errors of redis-py into ours; no message holds a password."""
    try:
        yield
    except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
        raise InvalidInput.because(
            url.shown, "Redis refuses the user or password", "check them in REDIS_URL"
        ) from error
    except exceptions.ReadOnlyError as error:
        raise InvalidInput.because(url.shown, "this Redis is a read-only replica", "name its primary") from error
    except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as error:
        raise BrokerAway(f"Redis at {url.shown} cannot be reached: {_reason(error)}") from error
    except exceptions.ResponseError as error:
        raise _refusal(url, error) from error


def _refusal(url: BrokerUrl, error: exceptions.ResponseError) -> Exception:
    text = str(error)
    if "DB index" in text:
        return InvalidInput.because(url.shown, f"Redis has no database {url.db}", "the usual ones are 0 to 15")
    if text.startswith(("NOAUTH", "WRONGPASS")):
        return InvalidInput.because(url.shown, "Redis refuses the user or password", "check them in REDIS_URL")
    return BrokerAway(f"Redis at {url.shown} refuses to serve: {text.split('.')[0]}")


def _tls(url: BrokerUrl) -> dict[str, Any]:
    options = url.celery_tls
    if options is None:
        return {}
    return {"ssl": True, **options, "ssl_cert_reqs": _CERTIFICATES[str(options["ssl_cert_reqs"])]}


def _reason(error: Exception) -> str:
    # redis-py's texts name the place and the system's error, never credentials; a timeout has a text of its own.
    return "no answer in time" if isinstance(error, exceptions.TimeoutError) else str(error).rstrip(".")
