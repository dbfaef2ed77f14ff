"""What can be chosen about the provider `yahoo`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, get_args
from urllib.parse import urlsplit

from stockjobs.errors import InvalidInput

Engine = Literal["chart", "history"]


@dataclass(frozen=True)
class YahooOptions:
    """How to reach Yahoo and how to read it.

    `engine` is chart (the chart's JSON read by ourselves) or history (read by yfinance, several times slower).
    `base_url` sends every request for a host of yahoo.com to another server that speaks the same protocol. `timeout`
    bounds one HTTP call, and `max_body` the bytes of one answer after decompression.
    """

    engine: Engine = field(default="chart", metadata={"about": "chart, or history to let yfinance read it."})
    base_url: str | None = field(default=None, metadata={"about": "Another server that speaks Yahoo's protocol."})
    timeout: timedelta = field(
        default=timedelta(seconds=20), metadata={"about": "The longest that a request may take."}
    )
    max_body: int = field(default=64 * 2**20, metadata={"about": "The most bytes that an answer may have."})

    def __post_init__(self) -> None:
        if self.engine not in get_args(Engine):
            raise InvalidInput.because("engine", f"{self.engine!r} is unknown", "use chart or history")
        if self.base_url is not None and not _is_base(self.base_url):
            raise InvalidInput.because(
                "base_url", "is not a plain http or https address", "write it like http://127.0.0.1:8080"
            )


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_plain
