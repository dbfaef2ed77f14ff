"""What every provider has to do, as checks that any provider can be held to: `stockctl providers check`, or in tests of its own.

Each check asks a provider that it has opened itself, and says in a sentence what it found. See docs/adding-a-provider.md.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from stockjobs.domain.bars import COLUMNS, BarsReply, BarsRequest
from stockjobs.domain.intervals import Interval
from stockjobs.domain.limits import Limits
from stockjobs.domain.symbols import normalise
from stockjobs.errors import HeldBack, Interrupted, ProviderError, RangeRefused, StockjobsError, SymbolUnknown
from stockjobs.providers.base import Patience, Provider

_AT_ONCE = 4
_STOPS_WITHIN_S = 2.0
_KINDS = ("split", "dividend", "capital_gain")


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


@dataclass(frozen=True)
class Finding:
    """How a check ended; `problem` is empty if the provider does as it should."""

    check: Check
    problem: str = ""


def findings(question: Question) -> Iterator[Finding]:
    """Run all checks, one after the other."""
    for check in CHECKS:
        try:
            check.run(question)
        except Broken as error:
            yield Finding(check, str(error))
        else:
            yield Finding(check)


@contextmanager
def _opened(question: Question) -> Iterator[Provider]:
    provider = question.open()
    try:
        yield provider
    finally:
        provider.close()


def _hold(is_so: bool | np.bool_, otherwise: str) -> None:
    if not is_so:
        raise Broken(otherwise)


def columns(question: Question, provider: Provider) -> None:
    """Whole columns of the right kinds."""
    bars = question.ask(provider).bars
    _hold(len(bars) > 0, f"there are no bars of {question.symbol} in this window: ask for one that has some")
    lengths = {name: len(getattr(bars, name)) for name in COLUMNS}
    _hold(len(set(lengths.values())) == 1, f"its columns differ in length: {lengths}")
    kinds = {name: getattr(bars, name).dtype.kind for name in COLUMNS}
    expected = dict(zip(COLUMNS, "iffffib", strict=True))
    _hold(kinds == expected, f"its columns are of the kinds {kinds}, not {expected}")


def window(question: Question, provider: Provider) -> None:
    """Nothing outside of the window."""
    middle = question.start + (question.end - question.start) / 2
    request = replace(question.request, end=middle)
    reply = question.ask(provider, request)
    start, end = request.start.timestamp(), request.end.timestamp()
    _hold(bool(((reply.bars.at >= start) & (reply.bars.at < end)).all()), "bars lie outside of start ≤ at < end")
    _hold(
        all(request.start <= one.at < request.end for one in reply.actions), "actions lie outside of start ≤ at < end"
    )
    rest = question.ask(provider, replace(question.request, start=middle))
    whole = question.ask(provider).bars.at
    halves = np.concatenate([reply.bars.at, rest.bars.at])
    _hold(np.array_equal(whole, halves), f"two halves give {len(halves)} bars, the whole window {len(whole)}")


def empty_window(question: Question, provider: Provider) -> None:
    """A window of no length has no bars."""
    try:
        reply = question.ask(provider, replace(question.request, end=question.start))
    except RangeRefused:
        return
    _hold(len(reply.bars) == 0 and not reply.actions, f"it gave {len(reply.bars)} bars for a window of no length")


def order(question: Question, provider: Provider) -> None:
    """Oldest first."""
    at = question.ask(provider).bars.at
    _hold(bool((np.diff(at) >= 0).all()), "bars are not in the order of time")


def future(question: Question, provider: Provider) -> None:
    """No bar begins after now."""
    request = replace(question.request, start=question.start, end=question.now + timedelta(days=2))
    try:
        at = question.ask(provider, request).bars.at
    except RangeRefused:
        return
    _hold(bool((at <= question.now.timestamp()).all()), "bars begin after the moment that it was told is now")


def actions(question: Question, provider: Provider) -> None:
    """Actions of known kinds, at times with a zone."""
    for one in question.ask(provider).actions:
        _hold(one.kind in _KINDS, f"the action {one.kind!r} is none of {', '.join(_KINDS)}")
        _hold(one.at.utcoffset() == timedelta(0), f"the time of the {one.kind} at {one.at} is not UTC")
        _hold(one.kind != "split" or one.value > 0, f"the split at {one.at} has the ratio {one.value}")


def identity(question: Question, provider: Provider) -> None:
    """It says whom an answer is about, each time the same."""
    found = question.ask(provider).identity
    if found is None:
        raise Broken("an answer with bars does not say whom it is about")
    _hold(found.symbol == question.request.symbol, f"asked for {question.request.symbol}, it speaks of {found.symbol}")
    _hold(bool(found.zone) and ZoneInfo(found.zone) is not None, "it names no time zone")
    has_code = not found.currency or (len(found.currency) == 3 and found.currency.isupper())
    _hold(has_code, f"{found.currency!r} is no ISO code of a currency")
    _hold(0 < found.unit < float("inf"), f"the unit is {found.unit}")
    _hold(question.ask(provider).identity == found, "asked twice, it names two identities")


def repeatable(question: Question, provider: Provider) -> None:
    """The same question has the same answer."""
    _hold(_same(question.ask(provider), question.ask(provider)), "asked twice for the past, it gives two answers")


def unknown_symbol(question: Question, provider: Provider) -> None:
    """`SymbolUnknown` for a symbol that it does not know."""
    request = replace(question.request, symbol=question.unknown)
    try:
        reply = question.ask(provider, request)
    except SymbolUnknown:
        return
    except StockjobsError as error:
        raise Broken(f"for {question.unknown} it raised {type(error).__name__}, not SymbolUnknown: {error}") from error
    raise Broken(f"for {question.unknown} it gave {len(reply.bars)} bars, and did not raise SymbolUnknown")


def facts(question: Question, provider: Provider) -> None:
    """Facts of the symbol, or none."""
    try:
        reply = provider.facts(question.request.symbol, now=question.now, patience=question.patience)
    except ProviderError as error:
        raise Broken(f"for facts that it has not, an answer is empty; it raised {type(error).__name__}") from error
    _hold(reply.symbol == question.request.symbol, f"asked for {question.request.symbol}, it speaks of {reply.symbol}")


def deadline(question: Question, provider: Provider) -> None:
    """`Interrupted` when its time is up, without asking anybody."""
    _interrupted(question, provider, Patience(time.monotonic() - 1))


def cancelling(question: Question, provider: Provider) -> None:
    """`Interrupted` soon after it is cancelled."""
    _interrupted(question, provider, Patience(question.patience.deadline, lambda: True))


def _interrupted(question: Question, provider: Provider, patience: Patience) -> None:
    started = time.monotonic()
    try:
        provider.bars(question.request, now=question.now, patience=patience)
    except Interrupted:
        took = time.monotonic() - started
        _hold(took < _STOPS_WITHIN_S, f"it took {took:.1f} s to stop")
        return
    except ProviderError as error:
        raise Broken(f"it raised {type(error).__name__}, not Interrupted") from error
    raise Broken("it answered all the same: ask `patience.remaining()` before and during each call")


@dataclass
class _Closed:
    """A gate that lets nobody pass."""

    asked: int = 0

    def enter(self, patience: Patience) -> None:  # noqa: ARG002 - nobody waits here
        self.asked += 1
        raise HeldBack("The checks let no request pass.", retry_after=timedelta(seconds=1))

    def leave(self, error: ProviderError | None) -> None:
        """Nobody has entered."""


def gate(question: Question, provider: Provider) -> None:
    """`HeldBack` where the fleet's budget lets no request pass."""
    closed = _Closed()
    patience = replace(question.patience, gate=closed)
    try:
        provider.bars(question.request, now=question.now, patience=patience)
    except HeldBack:
        return
    except ProviderError as error:
        raise Broken(f"held back, it raised {type(error).__name__}: let HeldBack pass") from error
    _hold(closed.asked == 0, "held back, it answered all the same")


def limits(question: Question, provider: Provider) -> None:  # noqa: ARG001 - every check is asked alike
    """It says of each interval what it serves."""
    for interval in Interval:
        found = provider.limits(interval)
        _hold(isinstance(found, Limits), f"its limits of {interval} are a {type(found).__name__}")
        lengths = [length for length in (found.max_span, found.reach_back) if length is not None]
        _hold(all(length > timedelta(0) for length in lengths), f"its limits of {interval} are not positive")


def intervals(question: Question, provider: Provider) -> None:
    """For each interval bars, or one of the errors of `stockjobs.errors`."""
    for interval in Interval:
        span = provider.limits(interval).max_span or timedelta(days=7)
        request = replace(question.request, interval=interval, start=question.now - min(span, timedelta(days=7)))
        try:
            question.ask(provider, replace(request, end=question.now))
        except ProviderError:
            continue


def threads(question: Question, provider: Provider) -> None:
    """Threads may share it."""
    expected = question.ask(provider)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        replies = list(pool.map(lambda _: question.ask(provider), range(2 * _AT_ONCE)))
    _hold(all(_same(expected, reply) for reply in replies), "asked by several threads at once, it gives other answers")


def forks(question: Question, provider: Provider) -> None:
    """Children of a process that has used it may use it, and so may the parent meanwhile."""
    expected = question.ask(provider)
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(question, provider, send))
    with warnings.catch_warnings():
        # From 3.12 on Python warns of a fork beside threads, which is what is looked at here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    send.close()
    try:
        _hold(_same(expected, question.ask(provider)), "after a fork, the parent gets another answer")
        has_come = receive.poll(question.timeout.total_seconds())
        said = receive.recv() if has_come else "the child did not answer"
    except EOFError:
        said = "the child died"
    finally:
        child.kill()
        child.join()
    if not isinstance(said, BarsReply):
        raise Broken(str(said))
    _hold(_same(expected, said), "in a child of its process it gives another answer")


def _in_child(question: Question, provider: Provider, send: Connection) -> None:
    try:
        send.send(question.ask(provider))
    except Exception as error:  # whatever it is, the parent is told
        send.send(f"in a child of its process it raises {type(error).__name__}: {error}")


def closing(question: Question, provider: Provider) -> None:
    """It may be closed twice, and asked again afterwards."""
    expected = question.ask(provider)
    provider.close()
    provider.close()
    _hold(_same(expected, question.ask(provider)), "after it was closed it gives another answer")


def working_folder(question: Question, provider: Provider) -> None:
    """It leaves nothing in the working folder."""
    before = set(Path.cwd().iterdir())
    question.ask(provider)
    new = set(Path.cwd().iterdir()) - before
    _hold(not new, f"it left {', '.join(sorted(path.name for path in new))} in the working folder")


def _same(one: BarsReply, other: BarsReply) -> bool:
    columns_of = ((getattr(one.bars, name), getattr(other.bars, name)) for name in COLUMNS)
    is_equal = all(np.array_equal(left, right, equal_nan=left.dtype.kind == "f") for left, right in columns_of)
    return is_equal and (one.identity, one.actions) == (other.identity, other.actions)


CHECKS = tuple(
    Check(str(look.__doc__).rstrip("."), look)
    for look in (
        columns,
        window,
        empty_window,
        order,
        future,
        actions,
        identity,
        repeatable,
        unknown_symbol,
        facts,
        deadline,
        cancelling,
        gate,
        limits,
        intervals,
        threads,
        forks,
        closing,
        working_folder,
    )
)
"""Everything that a provider is held to."""
