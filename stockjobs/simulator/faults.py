"""Faults on demand: what goes wrong, for which requests, and how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
from pydantic import ConfigDict

from stockjobs.simulator.noise import uniform


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    HTML = "html"
    TRUNCATED = "truncated"
    NULL_RESULT = "null_result"
    WRONG_SYMBOL = "wrong_symbol"
    WRONG_GRANULARITY = "wrong_granularity"
    WRONG_CURRENCY = "wrong_currency"
    BAD_BAR = "bad_bar"
    BAD_GZIP = "bad_gzip"
    OVERSIZE = "oversize"
    REDIRECT = "redirect"
    DROP_BEFORE = "drop_before"
    DROP_MIDDLE = "drop_middle"
    LATENCY = "latency"
    DRIP = "drip"


Body = Literal["auto", "html", "crumb", "json", "empty"]
Flaw = Literal["high_below_low", "negative", "zero", "nan", "null", "duplicate", "unsorted", "future"]


@dataclass(frozen=True)
class Fault:
    """One fault. It strikes requests of `symbol` and `endpoint` (empty: any), once `after` of them have passed unharmed,
    `times` times (None: for ever), each with a `probability` that a seed makes repeatable.

    Of the rest each kind reads what it needs: `status`, `body` and `retry_after` in seconds; `value` for the wrong
    symbol, granularity or currency; `flaw` for a bad bar; `location` for a redirect; `megabytes` for an oversized
    body; `seconds` for latency, or between two pieces of `piece` bytes for a drip.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    kind: Kind
    symbol: str = ""
    endpoint: str = ""
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    status: int = 500
    body: Body = "auto"
    retry_after: int | None = None
    value: str = ""
    flaw: Flaw = "high_below_low"
    location: str = ""
    megabytes: int = 100
    seconds: float = 1.0
    piece: int = 1


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0
    struck: int = 0

    def strikes(self, endpoint: str, symbol: str) -> bool:
        fault = self.fault
        if fault.symbol.upper() not in ("", symbol.upper()) or fault.endpoint not in ("", endpoint):
            return False
        self.seen += 1
        if self.seen <= fault.after or (fault.times is not None and self.struck >= fault.times):
            return False
        if fault.probability < 1.0 and uniform(fault.seed, np.array(self.seen)) >= fault.probability:
            return False
        self.struck += 1
        return True


@dataclass
class FaultBook:
    """The faults that are armed, by number."""

    _armed: dict[int, _Armed] = field(default_factory=dict)
    _last: int = 0

    def arm(self, fault: Fault) -> int:
        """Arm a fault; its number disarms it."""
        self._last += 1
        self._armed[self._last] = _Armed(fault)
        return self._last

    def disarm(self, number: int | None = None) -> None:
        """Disarm one fault, or all."""
        if number is None:
            self._armed.clear()
        else:
            self._armed.pop(number, None)

    def striking(self, endpoint: str, symbol: str) -> list[Fault]:
        """The faults that strike the request now being answered, in the order of their arming."""
        return [armed.fault for armed in self._armed.values() if armed.strikes(endpoint, symbol)]

    def report(self) -> list[dict[str, object]]:
        """All armed faults, with how often each has struck."""
        return [
            {
                "id": number,
                "kind": armed.fault.kind,
                "symbol": armed.fault.symbol,
                "struck": armed.struck,
                "seen": armed.seen,
            }
            for number, armed in self._armed.items()
        ]
