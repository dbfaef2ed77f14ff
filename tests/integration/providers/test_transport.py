"""How requests travel: what each fault becomes, and how many calls it costs."""

from __future__ import annotations

import gzip
import threading
import time
from datetime import timedelta

import orjson
import pytest

from stockjobs.errors import (
    IdentityMismatch,
    Interrupted,
    InvalidInput,
    MalformedReply,
    ProviderDown,
    ProviderError,
    RangeRefused,
    RateLimited,
    SymbolUnknown,
    Unauthorized,
)
from stockjobs.providers.base import Patience
from stockjobs.providers.yahoo.options import Engine
from tests.fixtures.charts import chart
from tests.fixtures.scripted import Answer, ScriptedServer
from tests.integration.providers.asking import NOW, days, opened, patient

pytestmark = pytest.mark.integration

DAYS = ["2026-06-04T09:30-04:00", "2026-06-05T09:30-04:00"]
GOOD = Answer(body=chart(DAYS, [1.0, 2.0]))
HTML = b"<html><body>Sorry</body></html>"
ENGINES: tuple[Engine, ...] = ("chart", "history")


def error(code: str, description: str, part: str = "chart") -> bytes:
    return orjson.dumps({part: {"result": None, "error": {"code": code, "description": description}}})


FAULTS = [
    (Answer(429, b"Edge: Too Many Requests"), RateLimited),
    (Answer(404, error("Not Found", "No data found, symbol may be delisted")), SymbolUnknown),
    (Answer(404, HTML), ProviderDown),
    (Answer(422, error("Unprocessable Entity", "1m data not available")), RangeRefused),
    (Answer(500, HTML), ProviderDown),
    (Answer(200, HTML), ProviderDown),
    (Answer(200, GOOD.body[:200]), ProviderDown),
    (Answer(200, b'{"chart":{}}'), MalformedReply),
    (Answer(200, GOOD.body[:200], promised=len(GOOD.body)), ProviderDown),
    (Answer(200, b"not gzip", {"Content-Encoding": "gzip"}), ProviderError),
    (Answer(200, chart(DAYS, [1.0, 2.0], symbol="MSFT")), IdentityMismatch),
    (None, ProviderDown),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("answer", "expected"), FAULTS)
def test_a_failed_request_is_one_call_and_a_typed_error(
    scripted: ScriptedServer, engine: Engine, answer: Answer | None, expected: type[ProviderError]
) -> None:
    with opened(scripted.url, engine=engine) as provider:
        scripted.always(answer)
        with pytest.raises(expected) as caught:
            days(provider)
        assert len(scripted.asked) == 1
        if answer is not None and answer.status >= 400:
            assert caught.value.status == answer.status


@pytest.mark.parametrize("engine", ENGINES)
def test_the_next_request_after_a_failure_is_sent_and_succeeds(scripted: ScriptedServer, engine: Engine) -> None:
    with opened(scripted.url, engine=engine) as provider:
        scripted.first(Answer(500, HTML), GOOD)
        with pytest.raises(ProviderDown):
            days(provider)
        assert days(provider).bars.close.tolist() == [1.0, 2.0]


def test_a_rate_limit_keeps_its_status_and_its_wait(scripted: ScriptedServer) -> None:
    with opened(scripted.url) as provider:
        scripted.always(Answer(429, b"", {"Retry-After": "31"}))
        with pytest.raises(RateLimited) as caught:
            days(provider)
        assert (caught.value.status, caught.value.retry_after) == (429, timedelta(seconds=31))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, error("Bad Request", "Data doesn't exist for startDate = 1, endDate = 2")),
        Answer(200, chart([], [])),
    ],
)
def test_a_window_without_rows_is_an_empty_reply(scripted: ScriptedServer, engine: Engine, answer: Answer) -> None:
    with opened(scripted.url, engine=engine) as provider:
        scripted.always(answer)
        reply = days(provider)
        assert (len(reply.bars), reply.actions) == (0, ())
        assert (reply.identity is None) == (answer.status == 400)


def test_a_server_that_is_away_is_down() -> None:
    with opened("http://127.0.0.1:9") as provider, pytest.raises(ProviderDown, match="cannot be reached"):
        days(provider)


def test_a_server_that_is_slower_than_the_timeout_is_down(scripted: ScriptedServer) -> None:
    release = threading.Event()
    scripted.always(Answer(200, b"{", promised=100, hold=release))
    with opened(scripted.url, timeout=0.3) as provider, pytest.raises(ProviderDown, match="did not answer in time"):
        days(provider)
    release.set()


def test_a_call_gets_no_more_than_the_time_that_is_left(scripted: ScriptedServer) -> None:
    release = threading.Event()
    scripted.always(Answer(200, b"{", promised=100, hold=release))
    started = time.monotonic()
    with opened(scripted.url) as provider, pytest.raises(Interrupted, match="used up its time"):
        days(provider, patience=patient(0.3))
    release.set()
    assert time.monotonic() - started < 5


def test_a_cancelled_download_sends_nothing(scripted: ScriptedServer) -> None:
    with opened(scripted.url) as provider, pytest.raises(Interrupted, match="cancelled"):
        days(provider, patience=Patience(time.monotonic() + 10, stopped=lambda: True))
    assert scripted.asked == []


def test_a_download_that_is_cancelled_midway_stops(scripted: ScriptedServer) -> None:
    release = threading.Event()
    scripted.always(Answer(200, b"{", promised=100, hold=release))
    with opened(scripted.url) as provider, pytest.raises(Interrupted, match="cancelled"):
        days(provider, patience=Patience(time.monotonic() + 60, stopped=lambda: bool(scripted.asked)))
    release.set()


def test_an_answer_larger_than_the_cap_is_cut_off(scripted: ScriptedServer) -> None:
    scripted.always(Answer(200, b"[" + b" " * 200_000))
    with opened(scripted.url, max_body=100_000) as provider, pytest.raises(MalformedReply, match="larger than 100000"):
        days(provider)


def test_the_cap_counts_what_comes_out_of_a_compressed_answer(scripted: ScriptedServer) -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    assert len(bomb) < 10_000
    scripted.always(Answer(200, bomb, {"Content-Encoding": "gzip"}))
    with opened(scripted.url, max_body=100_000) as provider, pytest.raises(MalformedReply, match="larger than 100000"):
        days(provider)


def test_a_compressed_answer_is_read(scripted: ScriptedServer) -> None:
    scripted.always(Answer(200, gzip.compress(GOOD.body), {"Content-Encoding": "gzip"}))
    with opened(scripted.url) as provider:
        assert len(days(provider).bars) == 2


@pytest.mark.parametrize(
    "target", ["https://evil.example/x", "http://127.0.0.1:9/x", "http://query1.finance.yahoo.com/x", "file:///etc/x"]
)
def test_a_redirect_to_another_host_is_refused(scripted: ScriptedServer, target: str) -> None:
    scripted.always(Answer(302, b"", {"Location": target}))
    with opened(scripted.url) as provider, pytest.raises(ProviderDown):
        days(provider)
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("target", ["/moved?x=1", "https://query1.finance.yahoo.com/moved?x=1"])
def test_a_redirect_inside_yahoo_is_followed(scripted: ScriptedServer, target: str) -> None:
    scripted.first(Answer(302, b"", {"Location": target}), GOOD)
    with opened(scripted.url) as provider:
        assert len(days(provider).bars) == 2
    assert scripted.asked[1:] == ["/moved?x=1"]


def test_a_circle_of_redirects_ends(scripted: ScriptedServer) -> None:
    scripted.always(Answer(302, b"", {"Location": "/again"}))
    with opened(scripted.url) as provider, pytest.raises(ProviderDown, match="circle"):
        days(provider)
    assert len(scripted.asked) == 5


def test_a_symbol_is_quoted_in_the_path(scripted: ScriptedServer) -> None:
    scripted.always(Answer(200, chart(DAYS, [1.0, 2.0], symbol="^GSPC")))
    with opened(scripted.url) as provider:
        days(provider, "^gspc")
    assert scripted.asked[0].startswith("/v8/finance/chart/%5EGSPC?")


@pytest.mark.parametrize("symbol", ["../../v1/finance/search", "US0378331005", "AAPL\n", ""])
def test_what_is_no_symbol_is_never_sent(scripted: ScriptedServer, symbol: str) -> None:
    for engine in ENGINES:
        with opened(scripted.url, engine=engine) as provider:
            with pytest.raises(InvalidInput):
                days(provider, symbol)
            with pytest.raises(InvalidInput):
                provider.facts(symbol, now=NOW, patience=patient())
    assert scripted.asked == []


UNAUTHORIZED = Answer(401, error("Unauthorized", "Invalid Crumb", "finance"))


def test_a_refused_session_is_renewed_once_and_the_request_repeated(scripted: ScriptedServer) -> None:
    scripted.script = lambda path: (
        Answer(200, b"crumb/1.") if path.endswith("getcrumb") else GOOD if "crumb=" in path else UNAUTHORIZED
    )
    with opened(scripted.url) as provider:
        assert len(days(provider).bars) == 2
        assert [path.split("?")[0].rsplit("/", 1)[1] for path in scripted.asked] == ["AAPL", "getcrumb", "AAPL"]
        scripted.asked.clear()
        days(provider)
        assert len(scripted.asked) == 1


def test_a_session_that_stays_refused_costs_one_call_a_request(scripted: ScriptedServer) -> None:
    scripted.script = lambda path: Answer(200, b"crumb") if path.endswith("getcrumb") else UNAUTHORIZED
    with opened(scripted.url) as provider:
        with pytest.raises(Unauthorized):
            days(provider)
        scripted.asked.clear()
        with pytest.raises(Unauthorized, match="Invalid Crumb"):
            days(provider)
        assert len(scripted.asked) == 1


def test_a_closed_provider_opens_anew(scripted: ScriptedServer) -> None:
    scripted.always(GOOD)
    with opened(scripted.url) as provider:
        days(provider)
        provider.close()
        provider.close()
        assert len(days(provider).bars) == 2
