"""Requests that differ by their address alone: they are sent by the options of the one before, with the cookies of now."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from stockjobs.errors import MalformedReply, ProviderError, RateLimited
from stockjobs.providers.base import Patience
from stockjobs.providers.yahoo.options import YahooOptions
from stockjobs.providers.yahoo.session import YahooSession
from tests.fixtures.scripted import Answer, ScriptedServer

pytestmark = pytest.mark.integration

CHART = "https://query2.finance.yahoo.com/v8/finance/chart/"


@pytest.fixture
def session(scripted: ScriptedServer) -> Iterator[YahooSession]:
    """A session at the scripted server."""
    session = YahooSession(YahooOptions(base_url=scripted.url))
    yield session
    session.close()


def got(session: YahooSession, symbol: str) -> bytes:
    return session.get(f"{CHART}{symbol}", timeout=5, quote=False).content


def test_each_request_has_its_own_address_and_answer(scripted: ScriptedServer, session: YahooSession) -> None:
    scripted.script = lambda path: Answer(200, path.encode())
    assert [got(session, name) for name in ("A", "B", "C")] == [
        f"/v8/finance/chart/{name}".encode() for name in ("A", "B", "C")
    ]


def test_a_cookie_that_comes_goes_with_the_next_requests_until_it_is_thrown_away(
    scripted: ScriptedServer, session: YahooSession
) -> None:
    cookie = {"Set-Cookie": "A3=one; Path=/"}
    scripted.script = lambda path: Answer(200, b"{}", cookie if path.endswith("B") else {})
    for name in ("A", "B", "C", "D"):
        got(session, name)
    assert scripted.cookies == ["", "", "A3=one", "A3=one"]
    session.cookies.clear()
    got(session, "E")
    assert scripted.cookies[-1] == ""


@pytest.mark.parametrize(
    "bad",
    [Answer(500, b"{}"), Answer(200, b"{", promised=9), Answer(200, b"not gzip", {"Content-Encoding": "gzip"}), None],
)
def test_what_goes_wrong_is_told_and_spoils_nothing_that_follows(
    scripted: ScriptedServer, session: YahooSession, bad: Answer | None
) -> None:
    scripted.script = lambda path: bad if path.endswith("BAD") else Answer(200, b"{}")
    for _ in range(2):
        assert got(session, "A") == got(session, "B") == b"{}"
        with pytest.raises(ProviderError):
            got(session, "BAD")


def test_each_limit_tells_how_long_to_wait(scripted: ScriptedServer, session: YahooSession) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    waits = {"SECONDS": "31", "DATE": later, "NEVER": None}

    def script(path: str) -> Answer:
        name = path.rsplit("/", 1)[-1]
        return Answer(429, b"", {"Retry-After": wait} if (wait := waits[name]) else {}) if name in waits else Answer()

    scripted.script = script
    found = []
    for name in waits:
        assert got(session, "A") == got(session, "B")
        with pytest.raises(RateLimited) as caught:
            got(session, name)
        found.append(caught.value.retry_after)
    assert found[0] == timedelta(seconds=31)
    assert found[1] is not None
    assert timedelta(minutes=4) < found[1] <= timedelta(minutes=5)
    assert found[2] is None


def test_a_limit_of_size_and_of_time_holds_for_each_request(scripted: ScriptedServer) -> None:
    scripted.script = lambda path: Answer(200, b"x" * (100 if path.endswith("LARGE") else 10))
    session = YahooSession(YahooOptions(base_url=scripted.url, max_body=50))
    with session.within(Patience(time.monotonic() + 20)):
        assert got(session, "A") == got(session, "B")
        with pytest.raises(MalformedReply, match="larger than 50"):
            got(session, "LARGE")
        assert len(got(session, "C")) == 10
    session.close()
