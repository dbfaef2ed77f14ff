"""When faults strike, and what they make of an answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from stockjobs.simulator.chart import chart
from stockjobs.simulator.faults import Fault, FaultBook, Flaw, Kind
from stockjobs.simulator.market import Market
from stockjobs.simulator.replies import Query, Reply
from stockjobs.simulator.spoiling import Delivery, spoil


@pytest.fixture
def good(market: Market) -> Reply:
    return chart(Query("", {"range": "1mo", "interval": "1d"}, "AAPL"), market)


def spoiled(good: Reply, kind: Kind, **settings: Any) -> Delivery:
    return spoil(good, [Fault(kind, **settings)])


def result(delivery: Delivery) -> dict[str, Any]:
    return dict(orjson.loads(delivery.reply.body)["chart"]["result"][0])


def test_a_fault_strikes_its_symbol_and_endpoint_so_many_times() -> None:
    book = FaultBook()
    book.arm(Fault(Kind.HTML, symbol="AAPL", endpoint="chart", times=2, after=1))
    asked = [
        ("chart", "AAPL"),
        ("chart", "KO"),
        ("quote", "AAPL"),
        ("chart", "aapl"),
        ("chart", "AAPL"),
        ("chart", "AAPL"),
    ]
    assert [len(book.striking(*each)) for each in asked] == [0, 0, 0, 1, 1, 0]


def test_a_disarmed_fault_strikes_no_more() -> None:
    book = FaultBook()
    number = book.arm(Fault(Kind.HTML))
    book.arm(Fault(Kind.LATENCY))
    book.disarm(number)
    assert [fault.kind for fault in book.striking("chart", "AAPL")] == [Kind.LATENCY]


def test_a_probability_strikes_the_same_requests_for_the_same_seed() -> None:
    def struck(seed: int) -> list[int]:
        book = FaultBook()
        book.arm(Fault(Kind.HTML, probability=0.3, seed=seed))
        return [len(book.striking("chart", "AAPL")) for _ in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 90


@pytest.mark.parametrize("status", [400, 404, 422])
def test_refusals_speak_yahoos_json(good: Reply, status: int) -> None:
    reply = spoiled(good, Kind.STATUS, status=status).reply
    assert reply.status == status
    assert orjson.loads(reply.body)["chart"]["error"]["code"]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_errors_are_pages(good: Reply, status: int) -> None:
    assert spoiled(good, Kind.STATUS, status=status).reply.body.startswith(b"<!DOCTYPE html>")


def test_too_many_requests_come_as_a_page_or_as_text_with_or_without_a_time_to_wait(good: Reply) -> None:
    page = spoiled(good, Kind.STATUS, status=429).reply
    assert (b"Edge: Too Many Requests" in page.body, page.headers) == (True, ())
    text = spoiled(good, Kind.STATUS, status=429, body="crumb", retry_after=7).reply
    assert (text.body, text.headers) == (b"Too Many Requests\r\n", (("Retry-After", "7"),))


def test_a_stale_crumb_is_401(good: Reply) -> None:
    error = orjson.loads(spoiled(good, Kind.STATUS, status=401).reply.body)["finance"]["error"]
    assert error == {"code": "Unauthorized", "description": "Invalid Crumb"}


def test_broken_bodies_are_no_json(good: Reply) -> None:
    for kind in (Kind.HTML, Kind.TRUNCATED):
        delivery = spoiled(good, kind)
        assert delivery.reply.status == 200
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(delivery.reply.body)


def test_the_identity_of_a_chart_can_be_wrong(good: Reply) -> None:
    assert result(spoiled(good, Kind.WRONG_SYMBOL, value="KO"))["meta"]["symbol"] == "KO"
    assert result(spoiled(good, Kind.WRONG_GRANULARITY))["meta"]["dataGranularity"] == "1mo"
    assert result(spoiled(good, Kind.WRONG_CURRENCY))["meta"]["currency"] == "XXX"
    assert orjson.loads(spoiled(good, Kind.NULL_RESULT).reply.body)["chart"]["result"] is None


@pytest.mark.parametrize("flaw", ["high_below_low", "negative", "zero", "null", "duplicate", "unsorted", "future"])
def test_one_bar_of_a_chart_can_be_bad(good: Reply, flaw: Flaw) -> None:
    bad, sound = result(spoiled(good, Kind.BAD_BAR, flaw=flaw)), result(Delivery(good))
    quote, usual = bad["indicators"]["quote"][0], sound["indicators"]["quote"][0]
    rows = zip(*quote.values(), bad["timestamp"], strict=True), zip(*usual.values(), sound["timestamp"], strict=True)
    changed = sum(one != other for one, other in zip(*rows, strict=True))
    assert changed == (2 if flaw == "unsorted" else 1)


def test_not_a_number_is_written_as_no_json_allows(good: Reply) -> None:
    assert b"NaN" in spoiled(good, Kind.BAD_BAR, flaw="nan").reply.body


def test_slowness_and_breaks_are_left_to_the_sending(good: Reply) -> None:
    slow = spoil(
        good, [Fault(Kind.LATENCY, seconds=2.0), Fault(Kind.DRIP, seconds=0.1, piece=10), Fault(Kind.DROP_MIDDLE)]
    )
    assert (slow.delay, slow.pause, slow.piece, slow.cut) == (2.0, 0.1, 10, 0.5)
    assert slow.reply == good
    assert spoiled(good, Kind.DROP_BEFORE).cut == 0.0
    assert len(spoiled(good, Kind.OVERSIZE, megabytes=1).reply.body) > 1 << 20
