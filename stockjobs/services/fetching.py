"""Fetching what a task asks for, symbol by symbol; no transaction is open meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stockjobs.domain.bars import BarsReply, BarsRequest, FactsReply
from stockjobs.errors import Interrupted, ProviderDown, ProviderError, RateLimited
from stockjobs.providers.base import Patience, Provider
from stockjobs.services.asking import Asks

DOWN_IN_A_ROW = 3
"""After so many symbols in a row for which the provider was down, the rest of the batch is not asked for."""


@dataclass(frozen=True)
class Answer:
    """What was asked, and what came."""

    request: BarsRequest
    reply: BarsReply


@dataclass(frozen=True)
class Fetched:
    """What arrived of a task: answers per symbol, errors per symbol, and the symbols that were not asked for."""

    bars: dict[str, tuple[Answer, ...]] = field(default_factory=dict)
    facts: dict[str, FactsReply] = field(default_factory=dict)
    errors: dict[str, ProviderError] = field(default_factory=dict)
    unasked: tuple[str, ...] = ()
    requests: int = 0

    def without(self, refused: Mapping[str, ProviderError]) -> Fetched:
        """The same without what arrived of some symbols, which have errors instead."""
        bars = {symbol: replies for symbol, replies in self.bars.items() if symbol not in refused}
        facts = {symbol: reply for symbol, reply in self.facts.items() if symbol not in refused}
        return Fetched(bars, facts, {**self.errors, **refused}, self.unasked, self.requests)

    def only(self, symbol: str) -> Fetched:
        """What arrived of one symbol alone."""
        bars = {symbol: self.bars[symbol]} if symbol in self.bars else {}
        return Fetched(bars, {symbol: self.facts[symbol]} if symbol in self.facts else {})


def fetch(asks: Asks, provider: Provider, patience: Patience) -> Fetched:
    """Ask for every symbol of a task. An error of one symbol never stops the others, unless it will meet them all alike."""
    found = Fetched()
    symbols = (*asks.bars, *asks.facts)
    requests, down_in_a_row = 0, 0
    for place, symbol in enumerate(symbols):
        try:
            requests += _fetch_one(asks, provider, symbol, found, patience)
            down_in_a_row = 0
        except ProviderError as error:
            requests += 1
            found.errors[symbol] = error
            down_in_a_row = down_in_a_row + 1 if isinstance(error, ProviderDown) else 0
            if isinstance(error, RateLimited | Interrupted) or down_in_a_row == DOWN_IN_A_ROW:
                return Fetched(found.bars, found.facts, found.errors, symbols[place + 1 :], requests)
    return Fetched(found.bars, found.facts, found.errors, (), requests)


def _fetch_one(asks: Asks, provider: Provider, symbol: str, found: Fetched, patience: Patience) -> int:
    if symbol not in asks.bars:
        found.facts[symbol] = provider.facts(symbol, now=asks.now, patience=patience)
        return 1
    requests = asks.bars[symbol]
    found.bars[symbol] = tuple(
        Answer(request, provider.bars(request, now=asks.now, patience=patience)) for request in requests
    )
    return len(requests)
