"""What Yahoo's answers mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from stockjobs.errors import (
    MalformedReply,
    ProviderDown,
    ProviderError,
    RangeRefused,
    RateLimited,
    SymbolUnknown,
    Unauthorized,
)
from stockjobs.providers.yahoo.replies import NoRows, document, refusal, retry_after

NOW = datetime(2026, 6, 9, 12, 0, tzinfo=UTC)


def said(description: str, code: str = "Some Code", part: str = "chart") -> bytes:
    return orjson.dumps({part: {"result": None, "error": {"code": code, "description": description}}})


DELISTED = said("No data found, symbol may be delisted", "Not Found")
HTML = b"<html><body>Sorry</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, b"Edge: Too Many Requests", RateLimited),
        (429, b"", RateLimited),
        (999, b"", RateLimited),
        (200, b"Too Many Requests\r\n", RateLimited),
        (401, said("Invalid Crumb", "Unauthorized", "finance"), Unauthorized),
        (403, HTML, Unauthorized),
        (404, DELISTED, SymbolUnknown),
        (404, HTML, ProviderDown),
        (404, b"{}", ProviderDown),
        (400, said("Data doesn't exist for startDate = 1, endDate = 2"), NoRows),
        (400, said("Invalid input - start date cannot be after end date."), RangeRefused),
        (400, HTML, ProviderDown),
        (422, said("1m data not available for startTime=1"), RangeRefused),
        (422, HTML, ProviderDown),
        (500, said("Internal"), ProviderDown),
        (502, HTML, ProviderDown),
        (302, b"", ProviderDown),
    ],
)
def test_a_bad_answer_becomes_its_error_and_keeps_the_status(
    status: int, body: bytes, error: type[ProviderError]
) -> None:
    found = refusal(status, {}, body, NOW)
    assert type(found) is error
    assert found.status == status


def test_a_good_answer_is_no_error() -> None:
    assert refusal(200, {}, b'{"chart":{}}', NOW) is None
    assert refusal(200, {}, b'{"longName":"Too Many Requests Inc."}', NOW) is None
    assert refusal(200, {}, b'{"longName":"<Will be right back>"}', NOW) is None


def test_a_page_for_people_says_that_the_provider_is_down_whatever_its_status() -> None:
    assert type(refusal(200, {}, HTML, NOW)) is ProviderDown
    assert type(refusal(200, {}, b"\n <!DOCTYPE html><p>Will be right back</p>", NOW)) is ProviderDown


@pytest.mark.parametrize(
    "body", [b'{"chart":{"result":[{"meta"', b' {"chart":', bytes(range(256)), b"\x1f\x8b\x08", b"\xff{}"]
)
def test_an_answer_that_was_cut_or_spoilt_on_its_way_says_that_the_provider_is_down(body: bytes) -> None:
    assert type(refusal(200, {}, body, NOW)) is ProviderDown


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b' {"other":{}}\n', b"x.Crumb/1"])
def test_what_came_whole_is_the_symbols_own(body: bytes) -> None:
    assert refusal(200, {}, body, NOW) is None


def test_a_refused_range_carries_yahoos_own_words() -> None:
    found = refusal(422, {}, said("Only 8 days worth of 1m granularity data are allowed"), NOW)
    assert "Only 8 days worth of 1m" in str(found)


def test_a_rate_limit_carries_the_wait_that_was_asked_for() -> None:
    found = refusal(429, {"retry-after": "17"}, b"", NOW)
    assert isinstance(found, RateLimited)
    assert found.retry_after == timedelta(seconds=17)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("0", timedelta(0)),
        (" 120 ", timedelta(minutes=2)),
        ("Tue, 09 Jun 2026 12:01:30 GMT", timedelta(seconds=90)),
        ("Tue, 09 Jun 2026 11:00:00 GMT", timedelta(0)),
        ("Tue, 09 Jun 2026 12:00:05 -0000", timedelta(seconds=5)),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 40, None),
        ("٣", None),
        ("Tue, 09 Jun 99999999999999999999 12:01:30 GMT", None),
        ("Tue, 09 Jun 2026 12:01:30 +99999999999999999", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str | None, wait: timedelta | None) -> None:
    assert retry_after(value, NOW) == wait


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"chart":{"result":[{"meta"', MalformedReply),
        (b"null", MalformedReply),
        (b"[]", MalformedReply),
        (b'{"chart":null}', MalformedReply),
        (b'{"other":{}}', MalformedReply),
        (DELISTED, SymbolUnknown),
        (said("Invalid Crumb", "Unauthorized"), Unauthorized),
        (said("Data doesn't exist for startDate = 1", "Bad Request"), NoRows),
        (said("15m data not available", "Unprocessable Entity"), RangeRefused),
        (said("who knows", "Strange"), MalformedReply),
        (b"[" * 100_000, MalformedReply),
        (b"NaN" + b"[" * 100_000, MalformedReply),
        (b"[" * 100_000 + b"NaN", MalformedReply),
    ],
)
def test_a_body_that_is_no_chart_becomes_an_error_even_with_status_200(body: bytes, error: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        document(body, "chart")
    assert type(caught.value) is error
