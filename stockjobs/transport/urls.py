"""Broker URLs: parsed and checked by ourselves first, since the libraries print the password when they fail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from stockjobs.errors import InvalidInput

DEFAULT_PORT = 6379
_TCP = {"redis": False, "rediss": True}
_SOCKET = {"redis+socket": "virtual_host", "unix": "db"}
_TLS_OPTIONS = frozenset({"ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"})
_CERT_REQS = {"required": "required", "cert_required": "required", "optional": "optional", "cert_optional": "optional",
              "none": "none", "cert_none": "none"}  # fmt: skip
_EXAMPLES = "redis://:password@host:6379/0, rediss://…, redis+socket:///path/redis.sock?virtual_host=0"


@dataclass(frozen=True)
class BrokerUrl:
    """Where a Redis server is: by TCP (`host`, `port`), or by a Unix socket (`socket`), and which database in it."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    db: int = 0
    username: str = ""
    password: str = ""
    socket: str = ""
    tls: bool = False
    tls_options: tuple[tuple[str, str], ...] = ()

    @property
    def for_celery(self) -> str:
        """The URL as Celery, kombu and Flower read it; its TLS options go into `broker_use_ssl`, see `celery_tls`."""
        if self.socket:
            return f"redis+socket://{self._userinfo}{quote(self.socket)}?virtual_host={self.db}"
        return f"{self._scheme}://{self._userinfo}{self._netloc}/{self.db}"

    @property
    def for_redis(self) -> str:
        """The URL as redis-py and redis-cli read it."""
        if self.socket:
            return f"unix://{self._userinfo}{quote(self.socket)}?db={self.db}"
        query = "&".join(f"{key}={quote(value)}" for key, value in self.tls_options)
        return f"{self._scheme}://{self._userinfo}{self._netloc}/{self.db}{'?' + query if query else ''}"

    @property
    def celery_tls(self) -> dict[str, str | bool] | None:
        """What Celery's `broker_use_ssl` has to be, None without TLS; certificates are checked by default."""
        if not self.tls:
            return None
        options: dict[str, str | bool] = {"ssl_cert_reqs": "required", **dict(self.tls_options)}
        if "ssl_check_hostname" in options:
            options["ssl_check_hostname"] = options["ssl_check_hostname"] == "true"
        return options

    @property
    def shown(self) -> str:
        """The place without credentials, for messages."""
        if self.socket:
            return f"unix://{self.socket}?db={self.db}"
        return f"{self._scheme}://{self._netloc}/{self.db}"

    @property
    def _scheme(self) -> str:
        return "rediss" if self.tls else "redis"

    @property
    def _netloc(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def _userinfo(self) -> str:
        if not (self.username or self.password):
            return ""
        return f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@"


def parse(text: str, where: str = "REDIS_URL") -> BrokerUrl:
    """Read a broker URL in Celery's or redis-py's form. Raises InvalidInput, whose text never holds the password."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        # The library's own message quotes the password; it is left out with its cause.
        raise _refused(
            where,
            "the host or port cannot be read",
            "write special characters of the password percent-encoded, as %2F for /, %23 for # and %40 for @",
        ) from None
    if parts.fragment:
        raise _refused(where, "a # stands in the URL", "write it as %23 in the password")
    if parts.scheme in _TCP:
        return _tcp(parts, port, where)
    if parts.scheme in _SOCKET:
        return _unix(parts, where)
    raise _refused(where, "the scheme is none of redis, rediss, redis+socket, unix")


def _tcp(parts: SplitResult, port: int | None, where: str) -> BrokerUrl:
    if not parts.hostname:
        raise _refused(where, "no host is named")
    is_tls = _TCP[parts.scheme]
    return BrokerUrl(
        host=unquote(parts.hostname),
        port=DEFAULT_PORT if port is None else port,
        db=_database(parts.path.lstrip("/") or "0", where),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=is_tls,
        tls_options=_tls_options(parts.query, where) if is_tls else _no_options(parts.query, where),
    )


def _unix(parts: SplitResult, where: str) -> BrokerUrl:
    if parts.hostname or not parts.path.startswith("/") or parts.path == "/":
        raise _refused(where, "the path of the socket is not absolute", "write three slashes: redis+socket:///path")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := options.keys() - {"virtual_host", "db"}:
        raise _refused(where, f"unknown option {sorted(unknown)[0]!r}", f"known: {_SOCKET[parts.scheme]}")
    return BrokerUrl(
        db=_database(options.get("virtual_host") or options.get("db") or "0", where),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        socket=unquote(parts.path),
    )


def _database(text: str, where: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise _refused(where, "the database is not a whole number from 0", "as /0 at the end, or ?virtual_host=0")
    return int(text)


def _no_options(query: str, where: str) -> tuple[tuple[str, str], ...]:
    if query:
        raise _refused(where, "options after ? are only known for rediss and sockets")
    return ()


def _tls_options(query: str, where: str) -> tuple[tuple[str, str], ...]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := options.keys() - _TLS_OPTIONS:
        raise _refused(where, f"unknown option {sorted(unknown)[0]!r}", f"known: {', '.join(sorted(_TLS_OPTIONS))}")
    if "ssl_cert_reqs" in options:
        options["ssl_cert_reqs"] = _one_of(_CERT_REQS, options["ssl_cert_reqs"], "ssl_cert_reqs", where)
    if "ssl_check_hostname" in options:
        choices = {"true": "true", "false": "false"}
        options["ssl_check_hostname"] = _one_of(choices, options["ssl_check_hostname"], "ssl_check_hostname", where)
    return tuple(sorted(options.items()))


def _one_of(choices: dict[str, str], given: str, option: str, where: str) -> str:
    if given.lower() not in choices:
        raise _refused(where, f"{option} is not one of {', '.join(sorted(set(choices.values())))}")
    return choices[given.lower()]


def _refused(where: str, message: str, hint: str = f"such as {_EXAMPLES}") -> InvalidInput:
    return InvalidInput.because(where, message, hint)
