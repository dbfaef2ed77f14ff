"""What Yahoo's answers mean: status, headers and body in, a typed error or a JSON document out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import orjson

from stockjobs.errors import (
    MalformedReply,
    ProviderDown,
    ProviderError,
    ProviderPermanent,
    RangeRefused,
    RateLimited,
    SymbolUnknown,
    Unauthorized,
)

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_TOO_MANY = b"Too Many Requests"
_NO_ROWS = "Data doesn't exist for startDate"
_NO_NUMBERS = (b"NaN", b"Infinity")
_LIMITED = (429, 999)
_HEAD = 2_048
_TAIL = 64
_SECONDS_DIGITS = 9


class NoRows(ProviderPermanent):
    """Yahoo knows the symbol and has no rows for the window; an empty reply, to those above."""

    kind = "no-rows"


def refusal(status: int, headers: Mapping[str, str | None], body: bytes, now: datetime) -> ProviderError | None:
    """The error that an answer stands for, None for a good one."""
    if status in _LIMITED or (_TOO_MANY in body[:_HEAD] and not body.startswith(b"{")):
        wait = retry_after(headers.get("retry-after"), now)
        return RateLimited(f"Yahoo asks us to slow down (HTTP {status}).", status=status, retry_after=wait)
    if 200 <= status < 300:
        return _outage(body, status)
    said = explanation(body)
    if status in (401, 403):
        return Unauthorized(f"Yahoo refuses our session (HTTP {status}): {said or 'no reason given'}", status=status)
    if said and status == 404:
        return SymbolUnknown(f"Yahoo does not know the symbol: {said}", status=status)
    if said and status in (400, 422):
        return _refused_range(said, status)
    return ProviderDown(f"Yahoo answered HTTP {status}: {said or 'not in its own format'}", status=status)


def _outage(body: bytes, status: int) -> ProviderDown | None:
    """What says nothing of a symbol: a page for people is what Yahoo shows to everybody when it is out of order ("Will be right
    back"), and what is cut or no text was spoilt on its way. What came whole and cannot be read is the symbol's own.
    """
    first = body[:_HEAD].lstrip()[:1]
    if first == b"<":
        return ProviderDown(f"Yahoo answers with a page instead of data: {_start(body)}", status=status)
    if first == b"{" and body[-_TAIL:].rstrip()[-1:] != b"}":
        return ProviderDown(f"Yahoo's answer was cut off after {len(body)} bytes: {_start(body)}", status=status)
    if first and not b" " <= first <= b"~":
        return ProviderDown(f"Yahoo's answer is no text: {_start(body)}", status=status)
    return None


def _refused_range(said: str, status: int) -> ProviderError:
    if said.startswith(_NO_ROWS):
        return NoRows(said, status=status)
    return RangeRefused(f"Yahoo does not serve this window: {said}", status=status)


def explanation(body: bytes) -> str | None:
    """The text of the error that Yahoo describes in its own format, None if the body holds none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    for part in document.values() if isinstance(document, dict) else ():
        error = part.get("error") if isinstance(part, dict) else None
        if isinstance(error, dict):
            return str(error.get("description") or error.get("code") or "no description")
    return None


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for, in seconds or until a date (RFC 9110); None if it says nothing."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) <= _SECONDS_DIGITS:
        return timedelta(seconds=int(text))
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(aware - now, timedelta(0))


def document(body: bytes, part: str) -> dict[str, Json]:
    """The named part of an answer. Raises `MalformedReply` for all that is not Yahoo's JSON."""
    try:
        whole = loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedReply(f"Yahoo's answer is not JSON: {_start(body)}", status=200) from error
    inner = whole.get(part) if isinstance(whole, dict) else None
    if not isinstance(inner, dict):
        raise MalformedReply(f"Yahoo's answer has no part {part!r}: {_start(body)}", status=200)
    if inner.get("error"):
        raise _described(inner["error"])
    return inner


def loads(body: bytes) -> Json:
    """The JSON in an answer, impossible numbers included. Raises ValueError or RecursionError."""
    try:
        return orjson.loads(body)  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        if not any(word in body for word in _NO_NUMBERS):
            raise
    # Not JSON, but one impossible number should cost its own bar and not the whole answer.
    return json.loads(body)  # type: ignore[no-any-return]


def _described(error: Json) -> ProviderError:
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    said = str(error.get("description", "")) if isinstance(error, dict) else str(error)
    if code == "Not Found":
        return SymbolUnknown(f"Yahoo does not know the symbol: {said}", status=200)
    if code == "Unauthorized":
        return Unauthorized(f"Yahoo refuses our session: {said}", status=200)
    if code in ("Bad Request", "Unprocessable Entity"):
        return _refused_range(said, 200)
    return MalformedReply(f"Yahoo answered with an error: {code} {said}".strip(), status=200)


def _start(body: bytes) -> str:
    return repr(body[:80].decode("utf-8", errors="replace"))
