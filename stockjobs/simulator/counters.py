"""What was asked of the server: counted by endpoint, symbol and status, with the peak rate and the latest requests."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass, field

_REMEMBERED = 5_000
_SECOND = 1.0


@dataclass(frozen=True)
class Request:
    """One request: `at` is real monotonic time, `status` 0 where no answer was sent, `fault` what spoiled it."""

    at: float
    endpoint: str
    symbol: str
    status: int
    connection: int
    uri: str
    fault: str = ""
    address: str = ""


@dataclass
class Counters:
    """All counts since the start or the last reset."""

    total: int = 0
    by_endpoint: Counter[str] = field(default_factory=Counter)
    by_symbol: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    by_fault: Counter[str] = field(default_factory=Counter)
    by_connection: Counter[int] = field(default_factory=Counter)
    peak_per_second: int = 0
    tunnels: int = 0
    latest: deque[Request] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _last_second: deque[float] = field(default_factory=deque)

    def count(self, request: Request) -> None:
        """Count one request."""
        self.total += 1
        self.by_endpoint[request.endpoint] += 1
        self.by_symbol[request.symbol] += 1
        self.by_status[str(request.status)] += 1
        self.by_connection[request.connection] += 1
        if request.fault:
            self.by_fault[request.fault] += 1
        self.latest.append(request)
        self._last_second.append(request.at)
        while self._last_second[0] <= request.at - _SECOND:
            self._last_second.popleft()
        self.peak_per_second = max(self.peak_per_second, len(self._last_second))

    def report(self) -> dict[str, object]:
        """The counts as a document."""
        return {
            "total": self.total,
            "peak_per_second": self.peak_per_second,
            "tunnels": self.tunnels,
            "connections": len(self.by_connection),
            "by_endpoint": dict(self.by_endpoint),
            "by_symbol": {symbol: count for symbol, count in self.by_symbol.items() if symbol},
            "by_status": dict(self.by_status),
            "by_fault": dict(self.by_fault),
            "by_connection": {str(connection): count for connection, count in self.by_connection.items()},
        }

    def requests(self, symbol: str = "", endpoint: str = "") -> list[dict[str, object]]:
        """The latest requests, oldest first, of a symbol or an endpoint where one is named."""
        return [
            asdict(request)
            for request in self.latest
            if symbol in ("", request.symbol) and endpoint in ("", request.endpoint)
        ]
