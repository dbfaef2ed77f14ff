"""What a provider is asked in the checks, and how a check says what it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from stockjobs.domain.market.bars import COLUMNS, BarsReply, BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.symbols import normalise
from stockjobs.providers.base import Patience, Provider


@dataclass(frozen=True)
class Question:
    """What a provider is asked in the checks: a symbol and a window for which it has bars, and a symbol that it does not know.

    The window lies in the past, so that the same question has the same answer twice. `now` is what a provider is told.
    """

    open: Callable[[], Provider]
    symbol: str
    interval: Interval
    start: datetime
    end: datetime
    now: datetime
    unknown: str = "NOSUCHSYMBOL"
    timeout: timedelta = timedelta(seconds=60)

    @property
    def request(self) -> BarsRequest:
        """The question as a provider gets it."""
        return BarsRequest(normalise(self.symbol), self.interval, self.start, self.end)

    @property
    def patience(self) -> Patience:
        """So long, from now on."""
        return Patience(time.monotonic() + self.timeout.total_seconds())

    def ask(self, provider: Provider, request: BarsRequest | None = None) -> BarsReply:
        """Ask for the window, or for what else is given."""
        return provider.bars(request or self.request, now=self.now, patience=self.patience)


class Broken(AssertionError):
    """A provider does not do what every provider has to."""


@dataclass(frozen=True)
class Check:
    """One thing that a provider has to do: `rule` says what."""

    rule: str
    look: Callable[[Question, Provider], None]

    def __str__(self) -> str:
        return self.look.__name__

    def run(self, question: Question) -> None:
        """Open the provider, look, and close it. Raises `Broken` with what is wrong."""
        with _opened(question) as provider:
            try:
                self.look(question, provider)
            except (Broken, AssertionError):
                raise
            except Exception as error:
                raise Broken(f"{type(error).__name__}: {error}") from error


@contextmanager
def _opened(question: Question) -> Iterator[Provider]:
    provider = question.open()
    try:
        yield provider
    finally:
        provider.close()


def hold(is_so: bool | np.bool_, otherwise: str) -> None:
    """Raise `Broken`, unless it is so."""
    if not is_so:
        raise Broken(otherwise)


def same(one: BarsReply, other: BarsReply) -> bool:
    """True if two answers hold the same, null as null."""
    columns_of = ((getattr(one.bars, name), getattr(other.bars, name)) for name in COLUMNS)
    is_equal = all(np.array_equal(left, right, equal_nan=left.dtype.kind == "f") for left, right in columns_of)
    return is_equal and (one.identity, one.actions) == (other.identity, other.actions)
