"""Fetching what a task asks for, symbol by symbol; no transaction is open meanwhile."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stockjobs.domain.market.bars import BarsReply, BarsRequest, FactsReply
from stockjobs.errors import (
    HeldBack,
    IdentityMismatch,
    Interrupted,
    MalformedReply,
    OurFault,
    ProviderDown,
    ProviderError,
    RateLimited,
)
from stockjobs.providers.base import Patience, Provider
from stockjobs.services.collecting.asking import Asks

DOWN_IN_A_ROW = 3
"""After so many symbols in a row for which the provider was down, the rest of the batch is not asked for."""


@dataclass(frozen=True)
class Answer:
    """What was asked, and what came."""

    request: BarsRequest
    reply: BarsReply


@dataclass(frozen=True)
class Fetched:
    """What arrived of a task: answers per symbol, errors per symbol, and the symbols that were not asked for.

    A symbol has both where its older windows arrived before a limit or the end of the time: the next attempt goes on from
    there. Those not asked for are `unasked` where something came in the way, and counted in `skipped` where nothing can be new.
    """

    bars: dict[str, tuple[Answer, ...]] = field(default_factory=dict)
    facts: dict[str, FactsReply] = field(default_factory=dict)
    errors: dict[str, ProviderError] = field(default_factory=dict)
    unasked: tuple[str, ...] = ()
    requests: int = 0
    skipped: int = 0

    def without(self, refused: Mapping[str, ProviderError]) -> Fetched:
        """The same without what arrived of some symbols, which have errors instead."""
        bars = {symbol: replies for symbol, replies in self.bars.items() if symbol not in refused}
        facts = {symbol: reply for symbol, reply in self.facts.items() if symbol not in refused}
        return Fetched(bars, facts, {**self.errors, **refused}, self.unasked, self.requests, self.skipped)

    def only(self, symbol: str) -> Fetched:
        """What arrived of one symbol alone."""
        bars = {symbol: self.bars[symbol]} if symbol in self.bars else {}
        return Fetched(bars, {symbol: self.facts[symbol]} if symbol in self.facts else {})


def fetch(asks: Asks, provider: Provider, patience: Patience, parallel: int = 1) -> Fetched:
    """Ask for every symbol of a task, for so many at once. An error of one symbol never stops the others, unless it
    will meet them all alike; what was asked for by then is waited for.

    What comes back is in the order of the symbols, whichever came first. No thread is left when it returns.
    """
    batch = _Batch(asks, provider, patience)
    others = [
        threading.Thread(target=batch.work, name=f"fetch-{number}", daemon=True)
        for number in range(1, min(parallel, len(batch.symbols)))
    ]
    for thread in others:
        thread.start()
    try:
        batch.work()
    finally:
        # Nothing waits any more, unless this thread was broken off.
        batch.stop()
        for thread in others:
            thread.join()
    return batch.fetched()


def our_fault(error: Exception) -> OurFault:
    """An error that nobody foresaw, as the error of an attempt."""
    # A database's error goes on for pages about its statement; the first line says what is wrong.
    fault = OurFault(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
    fault.__cause__ = error
    return fault


class _Batch:
    """The symbols of an attempt, taken one by one by the threads that ask for them."""

    def __init__(self, asks: Asks, provider: Provider, patience: Patience) -> None:
        self.symbols = (*asks.bars, *asks.facts)
        self._asks, self._provider, self._patience = asks, provider, patience
        self._waiting = deque(self.symbols)
        self._found: dict[str, tuple[Answer, ...] | FactsReply | ProviderError] = {}
        self._before: dict[str, tuple[Answer, ...]] = {}
        self._requests = self._down_in_a_row = 0
        self._lock = threading.Lock()

    def work(self) -> None:
        """Ask for one symbol after the other until none waits."""
        while (symbol := self._next()) is not None:
            answers: list[Answer] = []
            try:
                self._keep(symbol, self._ask(symbol, answers), len(answers) if symbol in self._asks.bars else 1)
            except ProviderError as error:
                if answers and isinstance(error, RateLimited | Interrupted):
                    # No fault of the symbol: the next attempt goes on after what came before.
                    self._before[symbol] = tuple(answers)
                # Who is held back has not asked.
                self._keep(symbol, error, len(answers) + (not isinstance(error, HeldBack)))
            except Exception as error:  # the edge: whatever it is, it is written down and the others go on
                self._keep(symbol, our_fault(error), len(answers) + 1)

    def stop(self) -> None:
        """Let nobody ask for those that wait still."""
        self._waiting.clear()

    def fetched(self) -> Fetched:
        """What has come."""
        found = {symbol: self._found[symbol] for symbol in self.symbols if symbol in self._found}
        return Fetched(
            bars={
                symbol: answers
                for symbol, one in found.items()
                if (answers := one if isinstance(one, tuple) else self._before.get(symbol)) is not None
            },
            facts={symbol: one for symbol, one in found.items() if isinstance(one, FactsReply)},
            errors={symbol: one for symbol, one in found.items() if isinstance(one, ProviderError)},
            unasked=tuple(symbol for symbol in self.symbols if symbol not in found),
            requests=self._requests,
            skipped=len(self._asks.skipped),
        )

    def _next(self) -> str | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _ask(self, symbol: str, answers: list[Answer]) -> tuple[Answer, ...] | FactsReply:
        if symbol not in self._asks.bars:
            name = self._asks.facts[symbol]
            return _facts_of(name, self._provider.facts(name, now=self._asks.now, patience=self._patience))
        for request in self._asks.bars[symbol]:
            reply = self._provider.bars(request, now=self._asks.now, patience=self._patience)
            answers.append(Answer(request, _about(request, reply)))
        return tuple(answers)

    def _keep(self, symbol: str, came: tuple[Answer, ...] | FactsReply | ProviderError, requests: int) -> None:
        with self._lock:
            self._found[symbol] = came
            self._requests += requests
            self._down_in_a_row = self._down_in_a_row + 1 if isinstance(came, ProviderDown) else 0
            if isinstance(came, RateLimited | Interrupted) or self._down_in_a_row >= DOWN_IN_A_ROW:
                self.stop()


def _facts_of(symbol: str, reply: FactsReply) -> FactsReply:
    """The reply, if it is about the symbol that was asked for, by that name. Raises IdentityMismatch."""
    said = {reply.symbol, reply.identity.symbol if reply.identity else reply.symbol}
    others = [one for one in said if one.casefold() != symbol.casefold()]
    if others:
        raise IdentityMismatch(f"Asked for the figures of {symbol}, the answer is about {others[0][:40] or 'nobody'}.")
    identity = replace(reply.identity, symbol=symbol) if reply.identity else None
    return replace(reply, symbol=symbol, identity=identity)


def _about(request: BarsRequest, reply: BarsReply) -> BarsReply:
    """The reply, if it is about the symbol that was asked for, by that name.

    Raises IdentityMismatch: its prices would land on another's; MalformedReply for a time of no zone.
    """
    identity = reply.identity
    if identity is None:
        return reply
    if identity.symbol.casefold() != request.symbol.casefold():
        raise IdentityMismatch(f"Asked for {request.symbol}, the answer is about {identity.symbol[:40] or 'nobody'}.")
    told = [*(action.at for action in reply.actions), *([identity.first_trade_at] if identity.first_trade_at else [])]
    if any(at.tzinfo is None for at in told):
        raise MalformedReply(
            f"The answer about {request.symbol} has a time without a zone: of an event or the first trade."
        )
    if identity.symbol == request.symbol:
        return reply
    # In other letters it would be another instrument.
    return replace(reply, identity=replace(identity, symbol=request.symbol))
