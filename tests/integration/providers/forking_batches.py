"""A process that fetches a batch for several symbols at once, forks children that do the same, and does it again.

It is a process of its own, so that what the tests before it have left in theirs is not forked too.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import sys

from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.base import Provider
from stockjobs.services.collecting.asking import Asks
from stockjobs.services.collecting.fetching import Fetched, fetch
from tests.integration.providers.asking import END, NOW, START, opened, patient

SYMBOLS = tuple(f"SIM{number:04d}" for number in range(1, 17))
SEVERAL = 8


def asks(*symbols: str) -> Asks:
    """The first days of June 2026."""
    return Asks(NOW, {symbol: (BarsRequest(symbol, Interval.D1, START, END),) for symbol in symbols})


def closes(fetched: Fetched) -> dict[str, list[float]]:
    """The closing prices that came, by symbol."""
    return {symbol: answer.reply.bars.close.tolist() for symbol, [answer] in fetched.bars.items()}


def batch(provider: Provider) -> dict[str, list[float]]:
    """The closing prices of all symbols."""
    return closes(fetch(asks(*SYMBOLS), provider, patient(60), SEVERAL))


def in_child(provider: Provider, expected: dict[str, list[float]]) -> None:
    """Exit with 0 if a forked child gets what its parent got. One that hangs shows where, and ends."""
    faulthandler.dump_traceback_later(60, exit=True)
    sys.exit(batch(provider) != expected)


def main(url: str) -> None:
    """Fetch, fork, fetch again, and say whether all got the same."""
    fork = multiprocessing.get_context("fork")
    with opened(url) as provider:
        expected = batch(provider)
        children = [fork.Process(target=in_child, args=(provider, expected)) for _ in range(3)]
        for child in children:
            child.start()
        again = batch(provider)
        for child in children:
            child.join()
    is_same = len(expected) == len(SYMBOLS) and again == expected and not any(child.exitcode for child in children)
    sys.stdout.write("same" if is_same else "different")


if __name__ == "__main__":
    main(*sys.argv[1:])
