"""What a job is: the definition that users write, as a checked and frozen value.

The words are those of the YAML manifests (camelCase there, snake_case here). Every field has its unit in its name or is an
ISO 8601 duration. A definition is stored as the JSON of `JobSpec.document()`, and its digest tells whether it changed.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator
from pydantic.alias_generators import to_camel

from stockjobs.domain.calendar import Calendar
from stockjobs.domain.cron import parse_cron, parse_zone
from stockjobs.domain.cron_rule import Cron
from stockjobs.domain.excerpts import excerpt, shown
from stockjobs.domain.exchanges import parse_exchange
from stockjobs.domain.intervals import Interval
from stockjobs.domain.jitter import LONGEST_JITTER
from stockjobs.domain.lanes import Priority
from stockjobs.domain.periods import Period, parse_duration, parse_instant, parse_period, parse_repeating
from stockjobs.domain.retries import RetryPolicy
from stockjobs.domain.rules import Manual, Once, Repeat
from stockjobs.domain.schedules import Misfire, Schedule
from stockjobs.domain.sessions import SessionsOf, no_sessions
from stockjobs.domain.symbols import normalise
from stockjobs.domain.trading import AtSession, InHours, OnDays, Otherwise, Within, parse_session_rule
from stockjobs.domain.windows import LIMIT_AT_MOST, Limited, Windowed, parse_end, parse_start
from stockjobs.errors import InvalidInput

API_VERSION: Literal["stockjobs/v1"] = "stockjobs/v1"
MAX_SYMBOLS = 10_000
MAX_TIMEOUT = timedelta(days=1)
"""What no installation may allow more than; the setting `max_timeout` is mostly lower."""
RESERVED_NAMES = frozenset({"history"})
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def check_name(text: str) -> str:
    """Check the name of a job: 1 to 63 letters, digits, dots, dashes and underscores. Raises InvalidInput."""
    if not _NAME.fullmatch(text):
        raise InvalidInput.because(
            "",
            f"{excerpt(text)} is not a job's name",
            "1 to 63 letters, digits, '.', '-', '_', with a letter or digit at both ends",
        )
    if text.lower() in RESERVED_NAMES:
        raise InvalidInput.because("", f"{text!r} is a reserved name", "choose another")
    return text


def _by_parser(parse: Any) -> BeforeValidator:
    """A pydantic validator from one of our parsers, whose refusals are InvalidInput."""

    def validate(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(f"a text was expected, not {shown(value)} (put it in quotes)")
        try:
            return parse(value)
        except InvalidInput as error:
            raise ValueError(str(error)) from error

    return BeforeValidator(validate)


def _checked(value: str, parse: Any) -> str:
    try:
        parse(value)
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    return value


def _storable(value: str) -> str:
    # PostgreSQL keeps no NUL, in a text as little as in JSON.
    if "\0" in value:
        raise ValueError("holds a NUL character (remove it)")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("holds half a character, which no database keeps (remove it)")
    return value


def _priority(value: object) -> object:
    if isinstance(value, str) and value.upper() in Priority.__members__:
        return Priority[value.upper()]
    if isinstance(value, Priority):
        return value
    raise ValueError(f"{shown(value)} is not a priority (critical, high, normal or low)")


def _duration(text: str) -> str:
    parse_duration(text)
    return text


Text = Annotated[str, AfterValidator(_storable)]
Name = Annotated[str, _by_parser(check_name)]
Symbol = Annotated[str, _by_parser(normalise)]
Duration = Annotated[str, _by_parser(_duration)]
PriorityName = Annotated[
    Priority,
    BeforeValidator(_priority),
    PlainSerializer(lambda value: Priority(value).name.lower(), when_used="always"),
]


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, strict=True, allow_inf_nan=False
    )


class JobType(StrEnum):
    """What a job collects."""

    MARKETDATA = "marketdata"
    FUNDAMENTALS = "fundamentals"


class Mode(StrEnum):
    """Incremental asks for what is new since the newest stored bar; backfill asks for a window of the past."""

    INCREMENTAL = "incremental"
    BACKFILL = "backfill"


class Concurrency(StrEnum):
    """What happens when an occurrence is due while the one before it still runs."""

    FORBID = "forbid"
    ALLOW = "allow"
    REPLACE = "replace"


def _lenient(kind: type[StrEnum]) -> BeforeValidator:
    """Read a word of an enumeration from text, as YAML and JSON give it."""

    def validate(value: object) -> object:
        if isinstance(value, str) and value in set(kind):
            return kind(value)
        raise ValueError(f"{shown(value)} is not one of {', '.join(kind)}")

    return BeforeValidator(validate)


class CalendarSpec(_Model):
    """The exchange whose sessions a schedule follows."""

    exchange: Annotated[str, AfterValidator(lambda value: _checked(value, parse_exchange))]
    within: Annotated[Within, _lenient(Within)] | None = None
    """What a due time of cron, interval or once has to fall into; days if nobody says."""
    otherwise: Annotated[Otherwise, _lenient(Otherwise)] | None = None
    """What becomes of one that does not; skip if nobody says."""


class ScheduleSpec(_Model):
    """When a job is due: one of cron, interval, once and session; none of them is manual."""

    cron: Annotated[str, AfterValidator(lambda value: _checked(value, parse_cron))] | None = None
    interval: Annotated[str, AfterValidator(lambda value: _checked(value, parse_repeating))] | None = None
    once: Annotated[str, AfterValidator(lambda value: _checked(value, parse_instant))] | None = None
    session: Annotated[str, AfterValidator(lambda value: _checked(value, parse_session_rule))] | None = None
    time_zone: Annotated[str, AfterValidator(lambda value: _checked(value, parse_zone))] = "UTC"
    calendar: CalendarSpec | None = None
    not_before: Annotated[str, AfterValidator(lambda value: _checked(value, parse_start))] | None = None
    not_after: Annotated[str, AfterValidator(lambda value: _checked(value, parse_end))] | None = None
    limit: Annotated[int, Field(ge=1, le=LIMIT_AT_MOST)] | None = None
    jitter: Duration | None = None
    misfire: Annotated[Misfire, _lenient(Misfire)] = Misfire.LATEST
    grace: Duration = "PT1M"
    concurrency: Annotated[Concurrency, _lenient(Concurrency)] = Concurrency.FORBID

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
        if self.cron is not None:
            return self.cron if self.time_zone == "UTC" else f"{self.cron} {self.time_zone}"
        return self.interval or self.once or "manual"


class RetrySpec(_Model):
    """How failed attempts are tried again."""

    initial: Duration = "PT5S"
    factor: Annotated[float, Field(ge=1, le=100)] = 2.0
    cap: Duration = "PT5M"
    max_retries: Annotated[int, Field(ge=0, le=100)] = 5
    jitter: bool = True

    def policy(self) -> RetryPolicy:
        """The policy as a value."""
        return RetryPolicy(
            parse_duration(self.initial), self.factor, parse_duration(self.cap), self.max_retries, self.jitter
        )


def _instant_or_day(text: str) -> str:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text = f"{text}T00:00:00Z"
    return parse_instant(text).isoformat().replace("+00:00", "Z")


Instant = Annotated[str, _by_parser(_instant_or_day)]


class WindowSpec(_Model):
    """Which span of time is asked for: start ≤ bar < end, or a period that ends now (incremental) or today (backfill)."""

    start: Instant | None = None
    end: Instant | None = None
    period: Annotated[str, AfterValidator(lambda value: _checked(value, parse_period))] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> WindowSpec:
        if self.start and self.period:
            raise ValueError("start and period exclude each other (keep one of them)")
        if self.start and self.end and parse_instant(self.start) >= parse_instant(self.end):
            raise ValueError(f"start {self.start} is not before end {self.end}")
        return self

    def length(self) -> Period | None:
        """The period, if one was given."""
        return parse_period(self.period) if self.period else None


class Match(StrEnum):
    """Which occurrence of the other job a dependent one waits for."""

    SAME_TIME = "same-time"
    LATEST = "latest"


class OnFailure(StrEnum):
    """What becomes of a dependent occurrence when the one that it waits for did not succeed."""

    SKIP = "skip"
    FAIL = "fail"
    RUN = "run"


class Dependency(_Model):
    """A job whose occurrence must have succeeded before one of this job starts."""

    job: Name
    match: Annotated[Match, _lenient(Match)] = Match.SAME_TIME
    on_failure: Annotated[OnFailure, _lenient(OnFailure)] = OnFailure.SKIP


class JobSpec(_Model):
    """The definition of a job."""

    type: Annotated[JobType, _lenient(JobType)]
    mode: Annotated[Mode, _lenient(Mode)] = Mode.INCREMENTAL
    display_name: Annotated[Text, Field(max_length=200)] = ""
    description: Annotated[Text, Field(max_length=2_000)] = ""
    enabled: bool = True
    provider: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")] = "yahoo"
    symbols: Annotated[
        tuple[Symbol, ...],
        Field(min_length=1, max_length=MAX_SYMBOLS, strict=False, exclude_if=lambda symbols: not symbols),
    ] = ()
    """Without any, the job collects the `tickers` of the settings, as they are when it is applied."""
    intervals: Annotated[tuple[Annotated[Interval, _lenient(Interval)], ...], Field(min_length=1, strict=False)] = (
        Interval.D1,
    )
    window: WindowSpec = WindowSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    retry: RetrySpec = RetrySpec()
    timeout: Duration = "PT5M"
    priority: PriorityName = Priority.NORMAL
    batch_size: Annotated[int, Field(ge=1, le=500)] = 20
    max_parallel: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """How many of the job's tasks run at once, over the whole fleet; as many as there is room for if nobody says."""
    depends_on: Annotated[
        tuple[Dependency, ...], Field(max_length=32, strict=False, exclude_if=lambda others: not others)
    ] = ()
    tags: Annotated[
        tuple[Annotated[Text, Field(min_length=1, max_length=63)], ...], Field(max_length=32, strict=False)
    ] = ()

    @model_validator(mode="after")
    def _coherent(self) -> JobSpec:
        if parse_duration(self.timeout) > MAX_TIMEOUT:
            raise ValueError(f"timeout {self.timeout} is above the maximum of P1D (give a shorter one)")
        for name in ("symbols", "intervals"):
            twice = [word for word, count in Counter(getattr(self, name)).items() if count > 1]
            if twice:
                raise ValueError(f"{name} are named twice: {', '.join(sorted(twice)[:5])} (name each once)")
        if self.mode is Mode.INCREMENTAL and (self.window.start or self.window.end):
            raise ValueError(
                "window.start and window.end belong to mode backfill (use window.period for the first run)"
            )
        return self

    def document(self) -> dict[str, Any]:
        """The definition as a JSON document, with defaults, in the words of the manifest; `enabled` is not part of it."""
        return self.model_dump(mode="json", by_alias=True, exclude={"enabled"}, exclude_none=True)

    def digest(self) -> str:
        """A SHA-256 of the document: the same definition has the same digest, wherever and whenever it is computed."""
        return hashlib.sha256(orjson.dumps(self.document(), option=orjson.OPT_SORT_KEYS)).hexdigest()


class Metadata(_Model):
    """The name and the labels of a job."""

    name: Name
    labels: dict[Text, Text] = Field(default_factory=dict)


class Manifest(_Model):
    """One YAML document: a job with its name."""

    api_version: Literal["stockjobs/v1"]
    kind: Literal["Job"]
    metadata: Metadata
    spec: JobSpec

    def document(self) -> dict[str, Any]:
        """The manifest as JSON, as `stockctl get -o yaml` shows it and `apply` reads it back."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
