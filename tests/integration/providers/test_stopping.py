"""A download is stopped in the middle, whatever the server does meanwhile: nothing, or a byte now and then."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field

import pytest

from stockjobs.errors import Interrupted
from stockjobs.providers.base import Patience, Provider
from stockjobs.providers.yahoo.options import Engine
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.redis import eventually
from tests.fixtures.scripted import Answer, ScriptedServer
from tests.integration.providers.asking import NOW, days, opened

pytestmark = pytest.mark.integration

SOON = 1.0
"""Seconds from the stop to the end of the call; a call looks up five times a second."""


def stopped_after(call: Callable[[Patience], object], begun: Callable[[], bool]) -> float:
    """How long the call still takes once it is told to stop, which it is when it has begun to wait."""
    stop, raised = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            call(Patience(time.monotonic() + 60, stop.is_set))
        except Interrupted as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    eventually(begun)
    stop.set()
    at = time.monotonic()
    thread.join(15)
    took = time.monotonic() - at
    assert [str(error) for error in raised] == ["The download was cancelled."]
    return took


@dataclass
class Silent:
    """A server that accepts, and says nothing."""

    url: str
    accepted: list[socket.socket] = field(default_factory=list)

    def has_callers(self) -> bool:
        return bool(self.accepted)


@pytest.fixture
def silent() -> Iterator[Silent]:
    """A silent server, until the test ends."""
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as open_until_then:
        found = Silent(f"http://127.0.0.1:{server.getsockname()[1]}")

        def accept() -> None:
            with suppress(OSError):
                while True:
                    found.accepted.append(open_until_then.enter_context(server.accept()[0]))

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield found
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize("engine", ["chart", "history"])
def test_a_call_that_gets_no_answer_is_stopped(silent: Silent, engine: Engine) -> None:
    with opened(silent.url, engine=engine, timeout=30) as provider:
        assert stopped_after(lambda patience: days(provider, patience=patience), silent.has_callers) < SOON


def test_a_call_that_cannot_connect_is_stopped() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as queue:
        # Whoever comes after these is left standing at the door.
        for _ in range(4):
            waiting = queue.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with opened(f"http://127.0.0.1:{full.getsockname()[1]}", timeout=30) as provider:
            begun = threading.Event()

            def ask(patience: Patience) -> None:
                begun.set()
                days(provider, patience=patience)

            assert stopped_after(ask, begun.is_set) < SOON


def test_an_answer_that_drips_is_stopped(yahoo: SimulatorClient) -> None:
    yahoo.fault("drip", seconds=3.0, piece=1)
    with opened(yahoo.url, timeout=30) as provider:
        took = stopped_after(
            lambda patience: days(provider, patience=patience), lambda: yahoo.counters()["connections"] > 0
        )
    assert took < SOON


def test_a_request_for_a_crumb_is_stopped(scripted: ScriptedServer) -> None:
    release = threading.Event()
    scripted.always(Answer(200, b"cr", promised=8, hold=release))
    with opened(scripted.url, timeout=30) as provider:
        took = stopped_after(
            lambda patience: provider.facts("AAPL", now=NOW, patience=patience), lambda: bool(scripted.asked)
        )
        release.set()
    assert "getcrumb" in scripted.asked[0]
    assert took < SOON


def test_a_silent_server_is_waited_for_until_the_deadline_and_no_longer(silent: Silent) -> None:
    with opened(silent.url, timeout=30) as provider:
        begun = time.monotonic()
        with pytest.raises(Interrupted, match="used up its time"):
            days(provider, patience=Patience(begun + 0.7))
        assert 0.6 < time.monotonic() - begun < 1.4


def test_a_stopped_session_goes_on_with_the_next_call_and_leaves_nothing_open(yahoo: SimulatorClient) -> None:
    with opened(yahoo.url, timeout=30) as provider:
        expected = days(provider).bars.close.tolist()
        before = (open_files(), threading.active_count())
        number = yahoo.fault("latency", seconds=3.0)
        for _ in range(5):
            _stop_soon(provider)
        yahoo.disarm(number)
        assert days(provider).bars.close.tolist() == expected
        assert open_files() <= before[0]
        assert threading.active_count() == before[1]


def _stop_soon(provider: Provider) -> None:
    looks = iter([False, False, False])
    with pytest.raises(Interrupted):
        days(provider, patience=Patience(time.monotonic() + 20, lambda: next(looks, True)))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
