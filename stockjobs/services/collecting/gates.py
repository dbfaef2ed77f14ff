"""The gates of attempts: each request of a fleet waits for its place in the budget, and tells everybody what came of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from uuid import UUID

from stockjobs.domain.asking.budgets import Admission, Answer, Closure, Parting, Turn
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.retries import DEFER_FOR, fraction_of
from stockjobs.errors import BrokerAway, HeldBack, ProviderDown, ProviderError, RateLimited
from stockjobs.providers.base import Gate, Patience
from stockjobs.services.collecting.line import Line
from stockjobs.services.collecting.spares import Spares
from stockjobs.transport.budget import Budgets, Ended, Place

_LOOK_EVERY_S = 0.1
_ASK_AGAIN_AFTER = timedelta(seconds=5)
"""Places that were taken for longer may come free earlier."""
_GLANCE_EVERY_S = 0.25
"""Where nothing is counted, so often a process looks whether the provider is closed to everybody."""

_MANY_A_SECOND = 50
"""Of so many places a second nobody misses one that is given back with the next request."""


@dataclass(frozen=True)
class Notice:
    """What the end of a request has changed for the whole fleet, to be told as an event."""

    turn: Turn
    place: Place
    closed_for: timedelta
    reason: str


Tell = Callable[[Notice], None]


class Gates:
    """Makes the gates of one provider's attempts; one a process, shared by its threads."""

    def __init__(self, budgets: Budgets, place: Place) -> None:
        self.budgets = budgets
        self.place = place
        self.is_troubled = False
        self._look_at = 0.0

    def gate(self, attempt: UUID, lane: Lane, tell: Tell, *, likely: int = 1) -> Gate:
        """The gate of one attempt of likely so many requests, which tells by `tell` what it changes for everybody."""
        return FleetGate(self, attempt, lane, tell, likely=likely)

    @property
    def was_open_just_now(self) -> bool:
        """True if the provider was open a moment ago, and nothing has gone wrong since."""
        return time.monotonic() < self._look_at

    def is_open_for_now(self) -> bool:
        """True if there is no budget to count for, and the provider was open a moment ago."""
        return not self.place.budget.is_limited and self.was_open_just_now

    @property
    def is_told_later(self) -> bool:
        """True if the end of a request that went well may be told along with the next one, and places be taken in advance.

        A call to Redis costs a good part of what a small answer does; but where few places are given, one is missed meanwhile.
        """
        return not 0 < self.place.budget.per_second < _MANY_A_SECOND

    def saw(self, admission: Admission) -> None:
        """Note how a provider stands, so that not every request has to ask."""
        self.is_troubled = admission.is_troubled
        if admission.answer is Answer.GO and admission.closure is None:
            self._look_at = time.monotonic() + _GLANCE_EVERY_S

    def look_at_once(self) -> None:
        """Let the next request ask."""
        self._look_at = 0.0


class FleetGate:
    """An attempt's way to its provider. Its threads may make requests at the same time."""

    def __init__(self, gates: Gates, attempt: UUID, lane: Lane, tell: Tell, *, likely: int) -> None:
        self._gates, self._place = gates, gates.place
        self._attempt, self._lane, self._tell = attempt, lane, tell
        self._numbers = count(1)
        self._has_waited = False
        self._calls = threading.local()
        self._line = Line()
        self._is_under_way = False
        self._left: deque[Ended] = deque()
        self._spares = Spares(self._ticket, likely)

    def enter(self, patience: Patience) -> None:
        """Wait for a place, or raise HeldBack; see `stockjobs.providers.base.Gate`."""
        self._calls.ticket = self._enter(patience)

    def leave(self, error: ProviderError | None) -> None:
        """Tell everybody what concerns them; an error for which everybody waits is made to say how long."""
        parting = self._leave(self._calls.ticket, error)
        # Who finds a provider down that is closed for it (a probe, most of the time) did so for all, and pays nothing.
        if isinstance(error, RateLimited | ProviderDown) and parting.closed_for:
            error.retry_after = self._spread(parting.closed_for)

    def close(self) -> None:
        """Tell of the last requests; see `stockjobs.providers.base.Gate`."""
        left = [*self._taken(), *self._spares.given_back()]
        if left:
            # If nobody can be told, the places are given back by the longest time that a request takes.
            with suppress(BrokerAway):
                self._gates.budgets.have_left(self._place, left)

    def _taken(self) -> list[Ended]:
        """What has not been told yet; other threads may add to it meanwhile."""
        return [self._left.popleft() for _ in range(len(self._left))]

    def _enter(self, patience: Patience) -> str:
        """Wait for a place; the ticket to leave with, "" where nothing is counted."""
        if self._gates.is_open_for_now():
            return ""
        ticket = self._spare(patience)
        if ticket is None:
            with self._line.turn(lambda: self._check(patience)):
                # Another thread may have got some meanwhile.
                ticket = self._spare(patience) or self._queue(self._ticket(), patience)
        self._is_under_way = True
        self._spares.note_request()
        return ticket

    def _ticket(self) -> str:
        return f"{self._attempt.hex}:{next(self._numbers)}"

    def _spare(self, patience: Patience) -> str | None:
        """A place that was got in advance, unless the provider may have been closed since."""
        if not self._gates.was_open_just_now:
            return None
        self._check(patience)
        return self._spares.take()

    def _queue(self, ticket: str, patience: Patience) -> str:
        budget = self._place.budget
        # What has come of a company so far is lost when the rest is not waited for.
        longest = budget.long_wait if self._is_under_way else budget.short_wait
        left = patience.deadline - time.monotonic()
        # Who is let go after a wait must have the time for the request.
        spared = min(self._place.longest.total_seconds(), left / 2)
        give_up_at = time.monotonic() + min(longest.total_seconds(), left - spared)
        while True:
            most = max(0.0, give_up_at - time.monotonic())
            admission = self._ask(ticket, timedelta(seconds=most))
            if admission is None:
                return ""
            if admission.answer is Answer.GO:
                # Where nothing is counted, a probe alone is known by its ticket.
                return ticket if self._place.budget.is_limited or admission.closure else ""
            is_closed = admission.closure is not None and admission.wait > budget.short_wait
            if admission.answer is Answer.LATER or is_closed:
                raise HeldBack(self._reason(admission), retry_after=self._spread(admission.wait))
            self._wait(min(admission.wait, _ASK_AGAIN_AFTER), patience)

    def _check(self, patience: Patience) -> None:
        """Begin no request that the deadline may cut short only because its time went by waiting: that were no fault of it."""
        is_late = patience.deadline - time.monotonic() < self._place.longest.total_seconds()
        if self._has_waited and is_late and not patience.stopped():
            wait = self._spread(timedelta(seconds=1))
            raise HeldBack(
                f"The time of this attempt has gone by waiting for {self._place.provider}.", retry_after=wait
            )
        patience.remaining()

    def _ask(self, ticket: str, most: timedelta) -> Admission | None:
        """The answer to the wish to ask; None to go without one."""
        left = [*self._taken(), *self._spares.given_back()]
        more = self._spares.wanted() if self._gates.is_told_later and self._place.budget.is_limited else ()
        try:
            admission = self._gates.budgets.enter(self._place, ticket, self._lane, most=most, left=left, more=more)
        except BrokerAway as error:
            self._left.extend(left)
            if not self._place.budget.is_limited:
                return None
            if most > timedelta(0):
                return Admission(Answer.WAIT, min(most, timedelta(seconds=0.5)))
            reason = f"{self._place.provider} is not asked while nobody can say what is left of its budget: {error}"
            raise HeldBack(reason, retry_after=self._spread(DEFER_FOR)) from error
        self._gates.saw(admission)
        if admission.has_more:
            self._spares.keep(more)
        return admission

    def _wait(self, wait: timedelta, patience: Patience) -> None:
        self._has_waited = True
        until = time.monotonic() + wait.total_seconds()
        while (left := until - time.monotonic()) > 0:
            patience.remaining()
            time.sleep(min(left, _LOOK_EVERY_S))

    def _leave(self, ticket: str, error: ProviderError | None) -> Parting:
        if not ticket and error is None and not self._gates.is_troubled:
            return Parting()
        if error is None and not self._gates.is_troubled and self._gates.is_told_later:
            self._left.append(Ended(ticket, time.monotonic()))
            return Parting()
        self._gates.look_at_once()
        try:
            parting = self._gates.budgets.leave(self._place, ticket, error)
        except BrokerAway:
            # Nobody can be told; the place in the budget is given back by the longest time that a request takes.
            return Parting()
        if parting.turn is not None:
            self._tell(Notice(parting.turn, self._place, parting.closed_for, str(error or "")))
        return parting

    def _spread(self, wait: timedelta) -> timedelta:
        """A little longer, by another little for each attempt, so that not all come back at once."""
        most = min(max(wait / 4, timedelta(seconds=1)), timedelta(minutes=1))
        return wait + most * fraction_of(self._attempt)

    def _reason(self, admission: Admission) -> str:
        name, wait = self._place.provider, max(1, round(admission.wait.total_seconds()))
        match admission.closure:
            case Closure.LIMITED:
                return f"{name} has asked us to slow down; the whole fleet leaves it alone for {wait} s more."
            case Closure.DOWN:
                return f"{name} is down; the whole fleet leaves it alone for {wait} s more."
            case _:
                return f"The budget of {name} from the egress {self._place.egress} is used up for {wait} s."
