"""What waits for a long-lived process in yfinance 1.7, trap by trap: the plain use falls in, the provider does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yfinance as yf
import yfinance.cache
from curl_cffi.requests import Response, Session
from yfinance.data import SingletonMeta, YfData
from yfinance.exceptions import YFRateLimitError

import stockjobs
from stockjobs.errors import IdentityMismatch, Interrupted, ProviderDown, RateLimited
from stockjobs.providers.yahoo.options import Engine
from tests.fixtures.charts import chart
from tests.fixtures.scripted import Answer, ScriptedServer
from tests.integration.providers.asking import NOW, days, opened, patient

pytestmark = [
    pytest.mark.integration,
    # What the plain use of yfinance does on this version of pandas; the provider hushes it for itself.
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame:DeprecationWarning:yfinance"),
]

DAYS = ["2026-06-04T09:30-04:00", "2026-06-05T09:30-04:00"]
GOOD = Answer(body=chart(DAYS, [1.0, 2.0]))
DOWN = Answer(500, b"<html>down</html>")
CHART = "https://query2.finance.yahoo.com/v8/finance/chart/AAPL"
ENGINES: tuple[Engine, ...] = ("chart", "history")


class PlainSession(Session[Response]):
    """curl_cffi's session as it is, sent to the local server."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base = base_url

    def request(self, method: Any, url: str, **kwargs: Any) -> Response:  # type: ignore[override]  # passed on whole
        return super().request(method, self._base + "/" + url.split("/", 3)[-1], **kwargs)


@pytest.fixture
def plain(scripted: ScriptedServer, tmp_path: Path) -> Iterator[Any]:
    """yfinance's data object as a plain program has it, and everything of the process put back afterwards."""
    keep = dict(SingletonMeta._instances)
    SingletonMeta._instances.clear()
    session = PlainSession(scripted.url)
    data = YfData(session=session)
    data._cookie = True
    yield data
    session.close()
    SingletonMeta._instances.clear()
    SingletonMeta._instances.update(keep)


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in the place of the user's, with no cache opened yet."""
    folder = tmp_path / "user-cache"
    for manager in ("_TzDBManager", "_CookieDBManager", "_ISINDBManager"):
        monkeypatch.setattr(getattr(yfinance.cache, manager), "_cache_dir", str(folder))
        monkeypatch.setattr(getattr(yfinance.cache, manager), "_db", None)
    monkeypatch.setattr(yfinance.cache._TzCacheManager, "_tz_cache", None)
    monkeypatch.setattr(yfinance.cache._CookieCacheManager, "_Cookie_cache", None)
    monkeypatch.setattr(yfinance.cache._ISINCacheManager, "_isin_cache", None)
    yield folder
    for manager in ("_TzDBManager", "_CookieDBManager", "_ISINDBManager"):
        getattr(yfinance.cache, manager).close_db()


def charts(scripted: ScriptedServer) -> int:
    return sum("/finance/chart/" in path for path in scripted.asked)


def test_trap_1_plain_use_keeps_an_error_for_good(scripted: ScriptedServer, plain: Any) -> None:
    plain._crumb = "crumb"
    scripted.always(DOWN)
    assert plain.cache_get(CHART).status_code == 500
    scripted.always(GOOD)
    assert plain.cache_get(CHART).status_code == 500
    assert scripted.asked == []
    YfData.cache_get.cache_clear()


@pytest.mark.parametrize("engine", ENGINES)
def test_trap_1_an_error_and_an_old_answer_are_never_served_again(scripted: ScriptedServer, engine: Engine) -> None:
    with opened(scripted.url, engine=engine) as provider:
        scripted.always(DOWN)
        with pytest.raises(ProviderDown):
            days(provider)
        scripted.always(GOOD)
        assert days(provider).bars.close.tolist() == [1.0, 2.0]
        scripted.always(Answer(body=chart(DAYS, [0.25, 0.5])))
        assert days(provider).bars.close.tolist() == [0.25, 0.5]


@pytest.mark.parametrize("engine", ENGINES)
def test_trap_2_another_symbols_data_is_never_taken(scripted: ScriptedServer, engine: Engine) -> None:
    scripted.always(Answer(body=chart(DAYS, [1.0, 2.0], symbol="MSFT")))
    with opened(scripted.url, engine=engine) as provider, pytest.raises(IdentityMismatch):
        days(provider)


def test_trap_3_plain_use_makes_a_failure_several_calls(scripted: ScriptedServer, plain: Any) -> None:
    scripted.always(Answer(429, b"Too Many Requests"))
    with pytest.raises(YFRateLimitError):
        plain.get(CHART)
    assert len(scripted.asked) > 2


@pytest.mark.parametrize("engine", ENGINES)
def test_trap_3_a_failure_is_one_call(scripted: ScriptedServer, engine: Engine) -> None:
    with opened(scripted.url, engine=engine) as provider:
        scripted.always(Answer(429, b"Too Many Requests"))
        with pytest.raises(RateLimited):
            days(provider)
    assert len(scripted.asked) == 1


def test_trap_4_plain_use_asks_for_the_zone_first(scripted: ScriptedServer, plain: Any, cache_folder: Path) -> None:
    plain._crumb = "crumb"
    scripted.always(GOOD)
    yf.Ticker("AAPL").history(start="2026-06-01", end="2026-06-09", auto_adjust=False)
    assert charts(scripted) == 2
    YfData.cache_get.cache_clear()


@pytest.mark.parametrize("engine", ENGINES)
def test_trap_4_an_unknown_zone_costs_no_call(scripted: ScriptedServer, engine: Engine) -> None:
    with opened(scripted.url, engine=engine) as provider:
        scripted.always(GOOD)
        days(provider)
    assert charts(scripted) == 1


def test_trap_5_plain_use_writes_to_the_users_cache_folder(cache_folder: Path) -> None:
    yfinance.cache.get_tz_cache().store("AAPL", "America/New_York")
    assert list(cache_folder.iterdir()) != []


@pytest.mark.parametrize("engine", ENGINES)
def test_trap_5_nothing_is_written_to_the_users_cache_folder(
    scripted: ScriptedServer, engine: Engine, cache_folder: Path
) -> None:
    with opened(scripted.url, engine=engine) as provider:
        scripted.always(GOOD)
        days(provider)
        yfinance.cache.get_tz_cache().store("AAPL", "America/New_York")
    assert not cache_folder.exists()


def test_trap_6_plain_use_keeps_an_error_as_its_crumb(scripted: ScriptedServer, plain: Any) -> None:
    scripted.always(Answer(429, b"Too Many Requests\r\n"))
    with pytest.raises(YFRateLimitError):
        plain._get_crumb_basic()
    assert "Too Many Requests" in plain._crumb


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(429, b"Too Many Requests\r\n"), RateLimited),
        (Answer(200, b"Too Many Requests\r\n"), RateLimited),
        (Answer(503, b"<html>busy</html>"), ProviderDown),
    ],
)
def test_trap_6_an_error_never_becomes_a_crumb(
    scripted: ScriptedServer, answer: Answer, error: type[Exception]
) -> None:
    facts = Answer(body=b'{"timeseries":{"result":[]},"quoteSummary":{"result":[]}}')
    with opened(scripted.url) as provider:
        scripted.script = lambda path: answer if path.endswith("getcrumb") else facts
        with pytest.raises(error):
            provider.facts("AAPL", now=NOW, patience=patient())
        assert len(scripted.asked) == 1
        scripted.script = lambda path: Answer(body=b"good") if path.endswith("getcrumb") else facts
        provider.facts("AAPL", now=NOW, patience=patient())
        assert all("crumb=good" in path for path in scripted.asked[2:])


def test_trap_7_the_crumb_gets_no_more_than_the_time_that_is_left(scripted: ScriptedServer) -> None:
    release = threading.Event()
    scripted.always(Answer(body=b"", promised=10, hold=release))
    started = time.monotonic()
    with opened(scripted.url) as provider, pytest.raises(Interrupted):
        provider.facts("AAPL", now=NOW, patience=patient(0.3))
    release.set()
    assert scripted.asked[0].endswith("getcrumb")
    assert time.monotonic() - started < 5


def test_trap_8_plain_use_loses_its_session_to_anybody(scripted: ScriptedServer, plain: Any) -> None:
    other = PlainSession("http://127.0.0.1:9")
    YfData(session=other)
    assert plain._session is other
    other.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_trap_8_the_provider_and_yfinances_own_session_leave_each_other_alone(
    scripted: ScriptedServer, engine: Engine, plain: Any
) -> None:
    scripted.always(GOOD)
    mine = plain._session
    with opened(scripted.url, engine=engine) as provider:
        days(provider)
        assert plain._session is mine
        other = PlainSession("http://127.0.0.1:9")
        YfData(session=other)
        assert len(days(provider).bars) == 2
        other.close()


def test_trap_9_no_web_socket_of_yfinance_is_used() -> None:
    sources = Path(stockjobs.__file__).parent.rglob("*.py")
    assert [
        path
        for path in sources
        if "WebSocket" in path.read_text(encoding="utf-8") and "yfinance" in path.read_text(encoding="utf-8")
    ] == []
