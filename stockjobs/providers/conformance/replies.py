"""Checks of what an answer holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from stockjobs.domain.market.bars import COLUMNS
from stockjobs.errors import ProviderError, RangeRefused, StockjobsError, SymbolUnknown
from stockjobs.providers.base import Provider
from stockjobs.providers.conformance.questions import Broken, Question, hold, same

_KINDS = ("split", "dividend", "capital_gain")


def columns(question: Question, provider: Provider) -> None:
    """Whole columns of the right kinds."""
    bars = question.ask(provider).bars
    hold(len(bars) > 0, f"there are no bars of {question.symbol} in this window: ask for one that has some")
    lengths = {name: len(getattr(bars, name)) for name in COLUMNS}
    hold(len(set(lengths.values())) == 1, f"its columns differ in length: {lengths}")
    kinds = {name: getattr(bars, name).dtype.kind for name in COLUMNS}
    expected = dict(zip(COLUMNS, "iffffib", strict=True))
    hold(kinds == expected, f"its columns are of the kinds {kinds}, not {expected}")


def window(question: Question, provider: Provider) -> None:
    """Nothing outside of the window."""
    middle = question.start + (question.end - question.start) / 2
    request = replace(question.request, end=middle)
    reply = question.ask(provider, request)
    start, end = request.start.timestamp(), request.end.timestamp()
    hold(bool(((reply.bars.at >= start) & (reply.bars.at < end)).all()), "bars lie outside of start ≤ at < end")
    hold(all(request.start <= one.at < request.end for one in reply.actions), "actions lie outside of start ≤ at < end")
    rest = question.ask(provider, replace(question.request, start=middle))
    whole = question.ask(provider).bars.at
    halves = np.concatenate([reply.bars.at, rest.bars.at])
    hold(np.array_equal(whole, halves), f"two halves give {len(halves)} bars, the whole window {len(whole)}")


def empty_window(question: Question, provider: Provider) -> None:
    """A window of no length has no bars."""
    try:
        reply = question.ask(provider, replace(question.request, end=question.start))
    except RangeRefused:
        return
    hold(len(reply.bars) == 0 and not reply.actions, f"it gave {len(reply.bars)} bars for a window of no length")


def order(question: Question, provider: Provider) -> None:
    """Oldest first."""
    at = question.ask(provider).bars.at
    hold(bool((np.diff(at) >= 0).all()), "bars are not in the order of time")


def future(question: Question, provider: Provider) -> None:
    """No bar begins after now."""
    request = replace(question.request, start=question.start, end=question.now + timedelta(days=2))
    try:
        at = question.ask(provider, request).bars.at
    except RangeRefused:
        return
    hold(bool((at <= question.now.timestamp()).all()), "bars begin after the moment that it was told is now")


def actions(question: Question, provider: Provider) -> None:
    """Actions of known kinds, at times with a zone."""
    for one in question.ask(provider).actions:
        hold(one.kind in _KINDS, f"the action {one.kind!r} is none of {', '.join(_KINDS)}")
        hold(one.at.utcoffset() == timedelta(0), f"the time of the {one.kind} at {one.at} is not UTC")
        hold(one.kind != "split" or one.value > 0, f"the split at {one.at} has the ratio {one.value}")


def identity(question: Question, provider: Provider) -> None:
    """It says whom an answer is about, each time the same."""
    found = question.ask(provider).identity
    if found is None:
        raise Broken("an answer with bars does not say whom it is about")
    hold(found.symbol == question.request.symbol, f"asked for {question.request.symbol}, it speaks of {found.symbol}")
    hold(bool(found.zone) and ZoneInfo(found.zone) is not None, "it names no time zone")
    has_code = not found.currency or (len(found.currency) == 3 and found.currency.isupper())
    hold(has_code, f"{found.currency!r} is no ISO code of a currency")
    hold(0 < found.unit < float("inf"), f"the unit is {found.unit}")
    hold(question.ask(provider).identity == found, "asked twice, it names two identities")


def repeatable(question: Question, provider: Provider) -> None:
    """The same question has the same answer."""
    hold(same(question.ask(provider), question.ask(provider)), "asked twice for the past, it gives two answers")


def unknown_symbol(question: Question, provider: Provider) -> None:
    """`SymbolUnknown` for a symbol that it does not know."""
    request = replace(question.request, symbol=question.unknown)
    try:
        reply = question.ask(provider, request)
    except SymbolUnknown:
        return
    except StockjobsError as error:
        raise Broken(f"for {question.unknown} it raised {type(error).__name__}, not SymbolUnknown: {error}") from error
    raise Broken(f"for {question.unknown} it gave {len(reply.bars)} bars, and did not raise SymbolUnknown")


def facts(question: Question, provider: Provider) -> None:
    """Facts of the symbol, or none."""
    try:
        reply = provider.facts(question.request.symbol, now=question.now, patience=question.patience)
    except ProviderError as error:
        raise Broken(f"for facts that it has not, an answer is empty; it raised {type(error).__name__}") from error
    hold(reply.symbol == question.request.symbol, f"asked for {question.request.symbol}, it speaks of {reply.symbol}")
