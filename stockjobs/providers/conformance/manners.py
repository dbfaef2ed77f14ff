"""Checks of how a provider behaves: stopped, held back, shared by threads and processes, closed."""

from __future__ import annotations

import multiprocessing
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.market.bars import BarsReply
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import HeldBack, Interrupted, ProviderError
from stockjobs.providers.base import Patience, Provider
from stockjobs.providers.conformance.questions import Broken, Question, hold, same

_AT_ONCE = 4
_STOPS_WITHIN_S = 2.0


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
        hold(took < _STOPS_WITHIN_S, f"it took {took:.1f} s to stop")
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

    def close(self) -> None:
        """There is nothing to tell."""


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
    hold(closed.asked == 0, "held back, it answered all the same")


def limits(question: Question, provider: Provider) -> None:  # noqa: ARG001 - every check is asked alike
    """It says of each interval what it serves."""
    for interval in Interval:
        found = provider.limits(interval)
        hold(isinstance(found, Limits), f"its limits of {interval} are a {type(found).__name__}")
        lengths = [length for length in (found.max_span, found.reach_back) if length is not None]
        hold(all(length > timedelta(0) for length in lengths), f"its limits of {interval} are not positive")


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
    hold(all(same(expected, reply) for reply in replies), "asked by several threads at once, it gives other answers")


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
        hold(same(expected, question.ask(provider)), "after a fork, the parent gets another answer")
        has_come = receive.poll(question.timeout.total_seconds())
        said = receive.recv() if has_come else "the child did not answer"
    except EOFError:
        said = "the child died"
    finally:
        child.kill()
        child.join()
    if not isinstance(said, BarsReply):
        raise Broken(str(said))
    hold(same(expected, said), "in a child of its process it gives another answer")


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
    hold(same(expected, question.ask(provider)), "after it was closed it gives another answer")


def working_folder(question: Question, provider: Provider) -> None:
    """It leaves nothing in the working folder."""
    before = set(Path.cwd().iterdir())
    question.ask(provider)
    new = set(Path.cwd().iterdir()) - before
    hold(not new, f"it left {', '.join(sorted(path.name for path in new))} in the working folder")
