"""What the functions are given, read: symbols, days and instants, words of which there are a few."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import ValidationError

from stockjobs.domain.excerpts import shown
from stockjobs.domain.market.symbols import normalise
from stockjobs.errors import InvalidInput, Problem

When = str | date | datetime
Word = TypeVar("Word", bound=StrEnum)


def names_of(symbols: object) -> tuple[str, ...]:
    """One symbol or several, each once. Raises InvalidInput."""
    if not isinstance(symbols, Iterable) or isinstance(symbols, bytes):
        raise InvalidInput.because("symbols", f"{shown(symbols)} is neither a symbol nor several")
    return tuple(dict.fromkeys(map(normalise, [symbols] if isinstance(symbols, str) else symbols)))


def one_of(kind: type[Word], text: str, where: str) -> Word:
    """The word of that spelling. Raises InvalidInput naming the argument."""
    try:
        return kind(text)
    except ValueError:
        raise InvalidInput.because(where, f"{text!r} is not one of {', '.join(kind)}") from None


def checked(model: Any, fields: dict[str, Any]) -> Any:
    """A model made of fields by its names. Raises InvalidInput naming each field that is wrong."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problems = [
            Problem(".".join(map(str, detail["loc"])), detail["msg"].removeprefix("Value error, "))
            for detail in error.errors()
        ]
        raise InvalidInput(*problems) from None


def text_of(when: When | None, where: str) -> str | None:
    """An instant as definitions have it."""
    at = instant(when, where)
    return at.isoformat().replace("+00:00", "Z") if at else None


def instant(when: When | None, where: str) -> datetime | None:
    """A day or an instant in UTC, which is also the zone of one without a zone. Raises InvalidInput naming the argument."""
    if when is None:
        return None
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            raise InvalidInput.because(where, f"{when!r} is not a day or an instant", "such as 2026-01-31") from None
    if not isinstance(when, date) or when != when:
        raise InvalidInput.because(where, f"{shown(when)} is not a day or an instant", "such as 2026-01-31")
    if not isinstance(when, datetime):
        when = datetime(when.year, when.month, when.day)  # noqa: DTZ001 - made aware below
    try:
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError:
        raise InvalidInput.because(where, f"{when.isoformat()} is no instant of UTC", "give a nearer time") from None
