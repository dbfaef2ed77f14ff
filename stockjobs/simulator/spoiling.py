"""How each fault spoils an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from stockjobs.simulator.faults import Fault, Kind
from stockjobs.simulator.flaws import Chart, flaw_bar
from stockjobs.simulator.replies import HTML, JSON, TEXT, Refused, Reply, html_reply, refusal

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Delivery:
    """An answer and how it is sent: after `delay` seconds, in pieces `pause` seconds apart, or broken off.

    `cut` is the part of the body after which the connection breaks: 0.0 before anything is sent, 1.0 for never.
    """

    reply: Reply
    delay: float = 0.0
    piece: int = 0
    pause: float = 0.0
    cut: float = 1.0


def spoil(reply: Reply, faults: list[Fault]) -> Delivery:
    """Lay the faults over a good answer, one after the other."""
    delivery = Delivery(reply)
    for fault in faults:
        delivery = _SPOILERS[fault.kind](delivery, fault)
    return delivery


def too_many(*, crumb: bool, retry_after: int | None) -> Reply:
    """The answer to an address that asks too much: a page from the edge, or a bare text where a crumb was asked for."""
    headers = (("Retry-After", str(retry_after)),) if retry_after is not None else ()
    if crumb:
        return Reply(429, b"Too Many Requests\r\n", TEXT, headers)
    return replace(html_reply(429, "Edge: Too Many Requests"), headers=headers)


def invalid_crumb() -> Reply:
    """The answer to a crumb that is missing or stale."""
    return refusal("finance", Refused(401, "Unauthorized", "Invalid Crumb"))


def _status(delivery: Delivery, fault: Fault) -> Delivery:
    return replace(delivery, reply=_status_reply(fault))


def _status_reply(fault: Fault) -> Reply:
    if fault.body == "empty":
        return Reply(fault.status, b"", TEXT)
    if fault.status == 429 and fault.body != "json":
        return too_many(crumb=fault.body == "crumb", retry_after=fault.retry_after)
    if fault.status == 401 and fault.body != "html":
        return invalid_crumb()
    if fault.body == "html" or (fault.body == "auto" and fault.status >= 500):
        return html_reply(fault.status, _TITLES.get(fault.status, "Error"), "Will be back shortly.")
    code, text = _REASONS.get(fault.status, ("Error", "Something went wrong"))
    return refusal("chart", Refused(fault.status, code, text))


_TITLES = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 404: "Not Found"}
_REASONS = {
    400: ("Bad Request", "Data doesn't exist for startDate = 0, endDate = 0"),
    404: ("Not Found", "No data found, symbol may be delisted"),
    422: ("Unprocessable Entity", "The requested range must be within the last 60 days."),
}


def _html(delivery: Delivery, fault: Fault) -> Delivery:
    page = html_reply(200, fault.value or "Yahoo", "We are improving your experience.")
    return replace(delivery, reply=page)


def _truncated(delivery: Delivery, _fault: Fault) -> Delivery:
    body = delivery.reply.body
    return _with_body(delivery, body[: len(body) // 2])


def _null_result(delivery: Delivery, _fault: Fault) -> Delivery:
    return _with_body(delivery, orjson.dumps({"chart": {"result": None, "error": None}}))


def _wrong_meta(name: str, usual: str) -> Callable[[Delivery, Fault], Delivery]:
    def spoiler(delivery: Delivery, fault: Fault) -> Delivery:
        return _with_chart(delivery, lambda chart: chart["meta"].update({name: fault.value or usual}))

    return spoiler


def _bad_bar(delivery: Delivery, fault: Fault) -> Delivery:
    return _with_chart(delivery, lambda chart: flaw_bar(chart, fault.flaw))


def _with_chart(delivery: Delivery, change: Callable[[Chart], object]) -> Delivery:
    """The answer with its chart changed; an answer that is no chart is left alone."""
    if delivery.reply.status != 200 or delivery.reply.content_type != JSON:
        return delivery
    document = orjson.loads(delivery.reply.body)
    if not (isinstance(document, dict) and document.get("chart", {}).get("result")):
        return delivery
    change(document["chart"]["result"][0])
    return _with_body(delivery, orjson.dumps(document).replace(b'"NaN"', b"NaN"))


def _with_body(delivery: Delivery, body: bytes) -> Delivery:
    return replace(delivery, reply=replace(delivery.reply, body=body))


def _bad_gzip(delivery: Delivery, _fault: Fault) -> Delivery:
    headers = (*delivery.reply.headers, ("Content-Encoding", "gzip"))
    return replace(
        delivery, reply=replace(delivery.reply, body=b"\x1f\x8b" + delivery.reply.body[:200], headers=headers)
    )


def _oversize(delivery: Delivery, fault: Fault) -> Delivery:
    return _with_body(delivery, delivery.reply.body + b" " * (fault.megabytes * MEGABYTE))


def _redirect(delivery: Delivery, fault: Fault) -> Delivery:
    headers = (("Location", fault.location or "https://redirected.invalid/"),)
    return replace(delivery, reply=Reply(302, b"", HTML, headers))


_SPOILERS: dict[Kind, Callable[[Delivery, Fault], Delivery]] = {
    Kind.STATUS: _status,
    Kind.HTML: _html,
    Kind.TRUNCATED: _truncated,
    Kind.NULL_RESULT: _null_result,
    Kind.WRONG_SYMBOL: _wrong_meta("symbol", "WRONG"),
    Kind.WRONG_GRANULARITY: _wrong_meta("dataGranularity", "1mo"),
    Kind.WRONG_CURRENCY: _wrong_meta("currency", "XXX"),
    Kind.BAD_BAR: _bad_bar,
    Kind.BAD_GZIP: _bad_gzip,
    Kind.OVERSIZE: _oversize,
    Kind.REDIRECT: _redirect,
    Kind.DROP_BEFORE: lambda delivery, _fault: replace(delivery, cut=0.0),
    Kind.DROP_MIDDLE: lambda delivery, _fault: replace(delivery, cut=0.5),
    Kind.LATENCY: lambda delivery, fault: replace(delivery, delay=delivery.delay + fault.seconds),
    Kind.DRIP: lambda delivery, fault: replace(delivery, piece=max(fault.piece, 1), pause=fault.seconds),
}
