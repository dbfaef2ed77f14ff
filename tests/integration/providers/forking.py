"""A process that asks a provider, forks children that ask the same one, and writes down what each of them was told.

It is a process of its own, so that what the tests before it have left in theirs is not forked too.
"""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path

from stockjobs.providers.base import Provider
from stockjobs.providers.registry import open_provider
from stockjobs.simulator.client import SimulatorClient
from tests.integration.providers.asking import days, opened

SYMBOLS = ("AAPL", "MSFT", "NVDA", "VOD.L", "7203.T", "TEVA.TA", "BTC-USD", "JPM")


def closes(provider: Provider, symbols: tuple[str, ...]) -> dict[str, list[float]]:
    """The closing prices of some symbols, by the name that each answer bears."""
    replies = [days(provider, symbol) for symbol in symbols]
    return {reply.identity.symbol: reply.bars.close.tolist() for reply in replies if reply.identity}


def in_child(provider: Provider, symbols: tuple[str, ...], send: Callable[[object], None]) -> None:
    """Ask in a forked child. One that hangs shows where, and ends."""
    faulthandler.dump_traceback_later(60, exit=True)
    send(closes(provider, symbols))


def main(url: str, ca: str, way: str) -> None:
    """Ask, fork, ask again, and write it down."""
    fork = multiprocessing.get_context("fork")
    with opened(url) as direct:
        used = open_provider("yahoo", None) if way == "proxy" else direct
        expected = closes(used, SYMBOLS)
        SimulatorClient(url, Path(ca)).reset_counters()
        children, pipes = [], []
        for turn in range(4):
            receive, send = fork.Pipe(duplex=False)
            children.append(fork.Process(target=in_child, args=(used, SYMBOLS[turn:] + SYMBOLS[:turn], send.send)))
            pipes.append(receive)
            children[-1].start()
            send.close()
        again = closes(used, SYMBOLS)
        said = [receive.recv() for receive in pipes]
        for child in children:
            child.join()
        used.close()
    codes = [child.exitcode for child in children]
    json.dump({"expected": expected, "again": again, "said": said, "codes": codes}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
