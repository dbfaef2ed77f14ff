"""`/__control__/…`: faults, budget, clock, edits and counters, as JSON, for tests and for people with curl.

It is served on the plain port only, never inside a tunnel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

import orjson
from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError
from tornado.web import HTTPError, RequestHandler

from stockjobs.simulator.budget import Allowance
from stockjobs.simulator.counters import Counters
from stockjobs.simulator.edits import DeclaredSplit, Restated
from stockjobs.simulator.faults import Fault
from stockjobs.simulator.listings import listing
from stockjobs.simulator.rows import VALUES
from stockjobs.simulator.state import State

T = TypeVar("T")
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class ClockChange:
    """Put the clock to an instant (`now`, running on if `ticking`), or move it on by `advance` seconds."""

    __pydantic_config__ = _STRICT

    now: AwareDatetime | None = None
    ticking: bool = False
    advance: float = 0.0


@dataclass(frozen=True)
class SplitChange:
    """Declare a split, from now on or from an instant on."""

    __pydantic_config__ = _STRICT

    symbol: str
    numerator: float
    denominator: float = 1.0
    at: AwareDatetime | None = None


@dataclass(frozen=True)
class BarChange:
    """Tell a bar otherwise: of a `day` for intervals from a day on, or opened `at` an instant for shorter ones."""

    __pydantic_config__ = _STRICT

    symbol: str
    day: date | None = None
    at: AwareDatetime | None = None
    values: dict[str, float | None] | None = None
    factor: float = 1.0


@dataclass(frozen=True)
class HoleChange:
    """Make every n-th bar of a symbol null; 0 mends them."""

    __pydantic_config__ = _STRICT

    symbol: str
    every: int = 20


class ControlHandler(RequestHandler):
    """The control API; see `docs/simulator.md` for its table."""

    def initialize(self, state: State) -> None:
        """Tornado's constructor for handlers."""
        self.state = state

    def prepare(self) -> None:
        """Refuse to be reached through a tunnel."""
        if self.request.protocol != "http":
            raise HTTPError(404)

    def get(self, what: str) -> None:
        """Read."""
        self._act(_READERS, what)

    def post(self, what: str) -> None:
        """Change."""
        self._act(_CHANGERS, what)

    put = post

    def delete(self, what: str) -> None:
        """Take back."""
        self._act(_REMOVERS, what)

    def _act(self, actions: dict[str, Callable[[ControlHandler], object]], what: str) -> None:
        name, _, self.rest = what.partition("/")
        action = actions.get(name)
        if action is None:
            self._answer(404, {"error": f"nothing is called {name!r} here; there is {', '.join(sorted(actions))}"})
            return
        try:
            self._answer(200, action(self))
        except (ValidationError, ValueError) as problem:
            self._answer(422, {"error": str(problem)})

    def _answer(self, status: int, document: object) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(document))

    def read(self, kind: type[T]) -> T:
        """The body of the request as a value. Raises ValueError, saying what is wrong with it."""
        return TypeAdapter(kind).validate_json(self.request.body or b"{}")

    def listed(self, symbol: str) -> str:
        """A symbol as it is listed. Raises ValueError for one that is not."""
        known = listing(symbol.upper())
        if known is None:
            raise ValueError(f"symbol {symbol!r} is not listed")
        return known.symbol


def _overview(handler: ControlHandler) -> object:
    state = handler.state
    return {
        "clock": _clock(handler),
        "faults": state.faults.report(),
        "budget": asdict(state.budget.allowance),
        "counters": state.counters.report(),
    }


def _clock(handler: ControlHandler) -> object:
    clock = handler.state.market.clock
    at = clock.now()
    return {"now": datetime.fromtimestamp(at, UTC).isoformat(), "epoch": at, "ticking": clock.fixed is None}


def _requests(handler: ControlHandler) -> object:
    symbol, endpoint = handler.get_argument("symbol", ""), handler.get_argument("endpoint", "")
    return handler.state.counters.requests(symbol.upper(), endpoint)


def _arm(handler: ControlHandler) -> object:
    return {"id": handler.state.faults.arm(handler.read(Fault))}


def _set_budget(handler: ControlHandler) -> object:
    handler.state.allow(handler.read(Allowance))
    return asdict(handler.state.budget.allowance)


def _set_clock(handler: ControlHandler) -> object:
    change, clock = handler.read(ClockChange), handler.state.market.clock
    if change.now is not None:
        clock.set(change.now.timestamp(), ticking=change.ticking)
    clock.advance(change.advance)
    return _clock(handler)


def _declare_split(handler: ControlHandler) -> object:
    change, market = handler.read(SplitChange), handler.state.market
    if change.numerator <= 0 or change.denominator <= 0:
        raise ValueError("numerator and denominator must be positive")
    at = change.at.timestamp() if change.at else market.clock.now()
    symbol = handler.listed(change.symbol)
    market.edits.splits[symbol].append(DeclaredSplit(at, change.numerator, change.denominator))
    return {"symbol": symbol, "at": at}


def _restate(handler: ControlHandler) -> object:
    change = handler.read(BarChange)
    if (change.day is None) == (change.at is None):
        raise ValueError("give either day or at")
    unknown = set(change.values or ()) - {*VALUES}
    if unknown:
        raise ValueError(f"no such column: {', '.join(sorted(unknown))}")
    symbol = handler.listed(change.symbol)
    day, at = change.day.isoformat() if change.day else "", int(change.at.timestamp()) if change.at else 0
    restated = Restated(day, at, tuple((change.values or {}).items()), change.factor)
    handler.state.market.edits.restated[symbol].append(restated)
    return {"symbol": symbol}


def _make_holes(handler: ControlHandler) -> object:
    change, holes = handler.read(HoleChange), handler.state.market.edits.holes
    symbol = handler.listed(change.symbol)
    holes.pop(symbol, None)
    if change.every > 0:
        holes[symbol] = change.every
    return {"symbol": symbol, "every": change.every}


def _rotate_crumb(handler: ControlHandler) -> object:
    handler.state.market.crumbs.rotate()
    return {"crumb": handler.state.market.crumbs.current}


def _reset(handler: ControlHandler) -> object:
    handler.state.reset()
    return {}


def _disarm(handler: ControlHandler) -> object:
    handler.state.faults.disarm(int(handler.rest) if handler.rest else None)
    return {}


def _remove_budget(handler: ControlHandler) -> object:
    handler.state.allow(Allowance())
    return {}


def _reset_counters(handler: ControlHandler) -> object:
    handler.state.counters = Counters()
    return {}


def _reset_clock(handler: ControlHandler) -> object:
    handler.state.market.clock.reset()
    return _clock(handler)


def _forget_edits(handler: ControlHandler) -> object:
    handler.state.market.edits.clear()
    return {}


_READERS: dict[str, Callable[[ControlHandler], object]] = {
    "": _overview,
    "clock": _clock,
    "faults": lambda handler: handler.state.faults.report(),
    "budget": lambda handler: asdict(handler.state.budget.allowance),
    "counters": lambda handler: handler.state.counters.report(),
    "requests": _requests,
}
_CHANGERS: dict[str, Callable[[ControlHandler], object]] = {
    "faults": _arm,
    "budget": _set_budget,
    "clock": _set_clock,
    "splits": _declare_split,
    "restatements": _restate,
    "holes": _make_holes,
    "crumb": _rotate_crumb,
    "reset": _reset,
}
_REMOVERS: dict[str, Callable[[ControlHandler], object]] = {
    "faults": _disarm,
    "budget": _remove_budget,
    "clock": _reset_clock,
    "counters": _reset_counters,
    "edits": _forget_edits,
}
