"""When a job is due, as users write it: a checked value that becomes a rule."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic.alias_generators import to_camel

from stockjobs.domain.fields import Definition, Duration, checked, one_of
from stockjobs.domain.market.exchanges import parse_exchange
from stockjobs.domain.market.sessions import SessionsOf, no_sessions
from stockjobs.domain.periods import parse_duration, parse_instant, parse_repeating
from stockjobs.domain.scheduling.calendar import Calendar
from stockjobs.domain.scheduling.cron import parse_cron, parse_zone
from stockjobs.domain.scheduling.cron_rule import Cron
from stockjobs.domain.scheduling.jitter import LONGEST_JITTER
from stockjobs.domain.scheduling.rules import Manual, Once, Repeat
from stockjobs.domain.scheduling.schedules import Misfire, Schedule
from stockjobs.domain.scheduling.trading import AtSession, InHours, OnDays, Otherwise, Within, parse_session_rule
from stockjobs.domain.scheduling.windows import LIMIT_AT_MOST, Limited, Windowed, parse_end, parse_start
from stockjobs.errors import InvalidInput


class Concurrency(StrEnum):
    """What happens when an occurrence is due while the one before it still runs."""

    FORBID = "forbid"
    ALLOW = "allow"
    REPLACE = "replace"


class CalendarSpec(Definition):
    """The exchange whose sessions a schedule follows."""

    exchange: Annotated[str, AfterValidator(lambda value: checked(value, parse_exchange))]
    within: Annotated[Within, one_of(Within)] | None = None
    """What a due time of cron, interval or once has to fall into; days if nobody says."""
    otherwise: Annotated[Otherwise, one_of(Otherwise)] | None = None
    """What becomes of one that does not; skip if nobody says."""


class ScheduleSpec(Definition):
    """When a job is due: one of cron, interval, once and session; none of them is manual."""

    cron: Annotated[str, AfterValidator(lambda value: checked(value, parse_cron))] | None = None
    interval: Annotated[str, AfterValidator(lambda value: checked(value, parse_repeating))] | None = None
    once: Annotated[str, AfterValidator(lambda value: checked(value, parse_instant))] | None = None
    session: Annotated[str, AfterValidator(lambda value: checked(value, parse_session_rule))] | None = None
    time_zone: Annotated[str, AfterValidator(lambda value: checked(value, parse_zone))] = "UTC"
    calendar: CalendarSpec | None = None
    not_before: Annotated[str, AfterValidator(lambda value: checked(value, parse_start))] | None = None
    not_after: Annotated[str, AfterValidator(lambda value: checked(value, parse_end))] | None = None
    limit: Annotated[int, Field(ge=1, le=LIMIT_AT_MOST)] | None = None
    jitter: Duration | None = None
    misfire: Annotated[Misfire, one_of(Misfire)] = Misfire.LATEST
    grace: Duration = "PT1M"
    concurrency: Annotated[Concurrency, one_of(Concurrency)] = Concurrency.FORBID

    @model_validator(mode="after")
    def _one_rule(self) -> ScheduleSpec:
        given = self._given("cron", "interval", "once", "session")
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other (keep one of them)")
        extras = self._given("calendar", "not_before", "not_after", "limit", "jitter")
        if extras and not given:
            raise ValueError(f"{extras[0]} belongs to a schedule (add cron, interval, once or session, or remove it)")
        return self

    @model_validator(mode="after")
    def _coherent(self) -> ScheduleSpec:
        if self.session and not self.calendar:
            raise ValueError(f"session {self.session} needs an exchange (add calendar: {{exchange: XNYS}})")
        if self.session and self.calendar and (self.calendar.within or self.calendar.otherwise):
            raise ValueError("within and otherwise do not go with session, which is in a session anyway (remove them)")
        start, end = self._window()
        if start and end and start >= end:
            raise ValueError(f"notAfter {self.not_after} is before notBefore {self.not_before} (swap them)")
        if self.limit and self.interval:
            raise ValueError(
                "limit does not go with interval, which counts by itself (such as R10/2026-01-01T00:00:00Z/P1D)"
            )
        if self.limit and self.once:
            raise ValueError("limit does not go with once, which is a single time (remove it)")
        if self.limit and not self.not_before:
            raise ValueError("limit has to know from when to count (add notBefore, such as 2026-01-01)")
        if self.jitter and parse_duration(self.jitter) > LONGEST_JITTER:
            raise ValueError(f"jitter {self.jitter} is longer than a day (at most PT24H)")
        return self

    def _given(self, *names: str) -> list[str]:
        return [to_camel(name) for name in names if getattr(self, name) is not None]

    def _window(self) -> tuple[datetime | None, datetime | None]:
        """The first moment of the window, and the first after it."""
        start = parse_start(self.not_before, self.time_zone) if self.not_before else None
        return start, parse_end(self.not_after, self.time_zone) if self.not_after else None

    def rule(self, sessions: SessionsOf = no_sessions) -> Schedule:
        """The schedule as a rule that gives due times. One with a calendar asks for its sessions when it is computed."""
        rule = self.in_calendar(sessions)
        start, end = self._window()
        if start or end:
            rule = Windowed(rule, start, end)
        return Limited(rule, start, self.limit) if start and self.limit else rule

    def in_calendar(self, sessions: SessionsOf = no_sessions) -> Schedule:
        """The rule without its window and its limit."""
        if self.calendar is None:
            return self.plain()
        calendar = Calendar(self.calendar.exchange, sessions)
        if self.session is not None:
            return AtSession(calendar, *parse_session_rule(self.session))
        otherwise = self.calendar.otherwise or Otherwise.SKIP
        if self.calendar.within is Within.HOURS:
            return InHours(self.plain(), calendar, otherwise)
        return OnDays(self.plain(), calendar, otherwise, self.time_zone)

    def plain(self) -> Cron | Repeat | Once | Manual:
        """The rule of cron, interval or once alone, which knows of no exchange."""
        if self.cron is not None:
            return Cron(parse_cron(self.cron), self.time_zone)
        if self.interval is not None:
            return Repeat(parse_repeating(self.interval, zone=self.time_zone))
        if self.once is not None:
            return Once(parse_instant(self.once))
        return Manual()

    def check_due_after(self, now: datetime, sessions: SessionsOf = no_sessions, where: str = "spec.schedule") -> None:
        """Raise InvalidInput for a schedule that has no due time after now, unless it is manual and is never to have one."""
        if not self._given("cron", "interval", "once", "session") or self.rule(sessions).after(now) is not None:
            return
        message = f"this schedule is never due after {now:%Y-%m-%dT%H:%M:%SZ}: {self.shown()}{self._bounds()}"
        raise InvalidInput.because(where, message, self._cure())

    def _bounds(self) -> str:
        names = {"notBefore": self.not_before, "notAfter": self.not_after, "limit": self.limit}
        return "".join(f", {name} {value}" for name, value in names.items() if value is not None)

    def _cure(self) -> str:
        if self.once:
            return "give a time to come, or leave the schedule out and trigger the job"
        if self.limit or self.not_after:
            return "its window or its repetitions are over: move notAfter or notBefore, or raise limit"
        if self.calendar:
            return "no time of it falls into a session: change within, or let otherwise be next"
        return "its repetitions are over: begin later, or repeat more often"

    def shown(self) -> str:
        """The rule in a few words, for tables."""
        if self.session is not None and self.calendar is not None:
            return f"{self.session} {self.calendar.exchange}"
        rule = self.cron or self.interval or self.once or "manual"
        zone = f" {self.time_zone}" if self.cron and self.time_zone != "UTC" else ""
        within = f" ({self.calendar.within or Within.DAYS} of {self.calendar.exchange})" if self.calendar else ""
        return f"{rule}{zone}{within}"
