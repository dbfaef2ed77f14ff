"""The budgets of a fleet in Redis: one for each provider and each address (egress) from which its requests leave.

All times are those of the Redis server, so that nodes whose clocks differ agree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from stockjobs.domain.asking.budgets import (
    BREAK_AFTER,
    BREAK_FOR,
    CALM,
    LONGEST_BREAK,
    Admission,
    Answer,
    Budget,
    Closure,
    Parting,
    Turn,
    Usage,
)
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.retries import COOL_DOWN, LONGEST_COOL_DOWN
from stockjobs.errors import Interrupted, ProviderDown, ProviderError, RateLimited
from stockjobs.transport import urls
from stockjobs.transport.budget_scripts import ENTER, LEAVE, LEFT, LOOK
from stockjobs.transport.client import connect, translated

_PREFIX = "stockjobs:budget"
_KNOWN = f"{_PREFIX}:known"
_PARTS = ("all", "historical", "waiting", "coming")
ON_ITS_WAY = timedelta(seconds=5)
"""What a request may take beside the time that it has with the provider."""

ServersClock = Callable[[], str]
"""Milliseconds since the epoch as text, or nothing to let the server tell the time."""


@dataclass(frozen=True)
class Place:
    """A provider as it is seen from an egress, with the budget that it has there.

    `kept_for_realtime` is the share of each window that historical work leaves alone; `longest` bounds one request, and with
    it how long one that was never heard of again is taken for under way.
    """

    provider: str
    egress: str
    budget: Budget
    kept_for_realtime: float
    longest: timedelta


@dataclass(frozen=True)
class Ended:
    """A request that ended well, by its ticket, at an instant of `time.monotonic()`; None for one that was never made."""

    ticket: str
    at: float | None


class Budgets:
    """Asks for places in the budgets, and tells what came of the requests. Each call raises BrokerAway if Redis is away.

    It connects when first used, may be shared by threads and used after a fork.
    """

    def __init__(self, broker_url: str, *, timeout: float = 3.0, clock: ServersClock = lambda: "") -> None:
        self._url = urls.parse(broker_url)
        self._client = connect(self._url, timeout)
        self._clock = clock
        scripts = map(self._client.register_script, (ENTER, LEAVE, LEFT, LOOK))
        self._enter, self._leave, self._left, self._look = scripts
        self._said: dict[Place, tuple[list[str], tuple[int, ...]]] = {}

    def enter(
        self,
        place: Place,
        ticket: str,
        lane: Lane,
        *,
        most: timedelta,
        left: Sequence[Ended] = (),
        more: Sequence[str] = (),
    ) -> Admission:
        """Ask for a place for one request, named by its ticket; whoever is to wait asks again with the same one.

        `left` are earlier requests that ended well, of which nothing has been told yet. `more` are tickets of requests that will
        follow at once: all of them get their places too, or none.
        """
        with translated(self._url):
            keys, limits = self._words(place)
            asked = (
                self._clock(),
                ticket,
                lane.value,
                _ms(most),
                *limits,
                f"{place.provider} {place.egress}",
                _said(left),
                " ".join(more),
            )
            word, wait, why, is_troubled, has_more = self._enter(keys=[*keys, _KNOWN], args=asked)
        closure = Closure(why.decode()) if why else None
        return Admission(
            Answer(word.decode()), timedelta(milliseconds=wait), closure, bool(is_troubled), bool(has_more)
        )

    def leave(self, place: Place, ticket: str, error: ProviderError | None) -> Parting:
        """Tell how a request ended. Telling it a second time does no harm."""
        outcome, wait = _outcome(error)
        with translated(self._url):
            keys, _ = self._words(place)
            word, left = self._leave(keys=keys, args=(self._clock(), ticket, outcome, wait, *_RULES))
        return Parting(Turn(word.decode()) if word else None, timedelta(milliseconds=left))

    def have_left(self, place: Place, left: Sequence[Ended]) -> None:
        """Tell of requests that ended well, where no other follows. Telling it a second time does no harm."""
        with translated(self._url):
            self._left(keys=self._words(place)[0], args=(self._clock(), _said(left)))

    def _words(self, place: Place) -> tuple[list[str], tuple[int, ...]]:
        """What is said of a place in each call: its keys; the longest request, the limits, and those of historical work."""
        found = self._said.get(place)
        if found is None:
            kept = place.budget.without(place.kept_for_realtime)
            limits = (limit for _, limit in (*place.budget.windows, *kept.windows))
            found = self._said[place] = (_keys(place.provider, place.egress), (_ms(place.longest), *limits))
        return found

    def usages(self) -> Sequence[Usage]:
        """How every budget stands that was asked within a day."""
        with translated(self._url):
            known = sorted(cast("set[bytes]", self._client.smembers(_KNOWN)))
            replies = []
            for name in known:
                provider, _, egress = name.decode().partition(" ")
                reply = self._look(keys=_keys(provider, egress), args=[self._clock()])
                if reply:
                    replies.append(_usage(provider, egress, reply))
                else:
                    self._client.srem(_KNOWN, name)
        return replies

    def open(self, provider: str, egress: str) -> bool:
        """End a cool-down or a break now, and forget how often there was one. False if there was none.

        What was asked within the last windows is still counted.
        """
        with translated(self._url):
            names = ("closed", "closed_until", "probe", "probe_until", "failures", "limits", "breaks")
            return bool(self._client.hdel(_keys(provider, egress)[0], *names))

    def ping(self) -> None:
        """Return if the server answers."""
        with translated(self._url):
            self._client.ping()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


def _keys(provider: str, egress: str) -> list[str]:
    base = f"{_PREFIX}:{provider}:{egress}"
    return [base, *(f"{base}:{part}" for part in _PARTS)]


def _said(left: Sequence[Ended]) -> str:
    now = time.monotonic()
    return " ".join(
        f"{one.ticket} {'unused' if one.at is None else max(0, int((now - one.at) * 1_000))}" for one in left
    )


def _ms(length: timedelta) -> int:
    return int(length.total_seconds() * 1_000)


_RULES = (_ms(COOL_DOWN), _ms(LONGEST_COOL_DOWN), BREAK_AFTER, _ms(BREAK_FOR), _ms(LONGEST_BREAK), _ms(CALM))


def _outcome(error: ProviderError | None) -> tuple[str, int | str]:
    """What an error says about the provider as a whole, and the wait that it asks for."""
    if isinstance(error, RateLimited):
        asked = error.retry_after
        # A wait of nothing is no answer to somebody who asks too often.
        return "limited", _ms(asked) if asked and asked >= timedelta(seconds=1) else ""
    if isinstance(error, ProviderDown):
        return "down", ""
    # Whatever else it says, it answers.
    return ("unknown" if isinstance(error, Interrupted) else "ok"), ""


def _usage(provider: str, egress: str, reply: Sequence[Any]) -> Usage:
    now, why, left, is_probing, failures, waiting, realtime, historical, *counts = reply
    at = datetime.fromtimestamp(now / 1_000, UTC)
    return Usage(
        provider,
        egress,
        at,
        budget=Budget(*counts[0:3]),
        kept=Budget(*counts[3:6]),
        used=counts[6:9],
        historical=counts[9:12],
        waiting=waiting,
        failures=failures,
        closure=Closure(why.decode()) if why else None,
        closed_until=at + timedelta(milliseconds=left) if why else None,
        is_probing=bool(is_probing),
        opens_in={Lane.REALTIME: timedelta(milliseconds=realtime), Lane.HISTORICAL: timedelta(milliseconds=historical)},
    )
