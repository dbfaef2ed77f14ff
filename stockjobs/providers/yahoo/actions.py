"""The events of a chart: splits, dividends, capital gains."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.errors import MalformedReply
from stockjobs.providers.yahoo.meta import instant
from stockjobs.providers.yahoo.replies import Json


def read_actions(events: Json) -> tuple[CorporateAction, ...]:
    """The events, oldest first. Raises `MalformedReply` for one that has no time; one without a value has NaN."""
    if not isinstance(events, dict):
        return ()
    actions = [
        CorporateAction(kind, instant(_seconds(event)), value(event))
        for key, kind, value in _KINDS
        for event in _members(events.get(key))
    ]
    return tuple(sorted(actions, key=in_order))


def in_order(action: CorporateAction) -> tuple[datetime, str]:
    """The place of an action among others."""
    return action.at, action.kind


def _members(group: Json) -> Iterator[dict[str, Json]]:
    for event in group.values() if isinstance(group, dict) else ():
        if not isinstance(event, dict):
            raise MalformedReply("An event of Yahoo's chart cannot be read.")
        yield event


def _seconds(event: dict[str, Json]) -> int:
    value = event.get("date")
    if not isinstance(value, int):
        raise MalformedReply("An event of Yahoo's chart has no date.")
    return value


def _amount(event: dict[str, Json]) -> float:
    return _number(event.get("amount"))


def _ratio(event: dict[str, Json]) -> float:
    new, old = _number(event.get("numerator")), _number(event.get("denominator"))
    return new / old if old else math.nan


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


_KINDS: tuple[tuple[str, str, Callable[[dict[str, Json]], float]], ...] = (
    ("dividends", "dividend", _amount),
    ("splits", "split", _ratio),
    ("capitalGains", "capital_gain", _amount),
)
