"""What a job is: the definition that users write, as a checked and frozen value.

The words are those of the YAML manifests (camelCase there, snake_case here). Every field has its unit in its name or is a
length of time, in short words or by ISO 8601. A definition is stored as the JSON of `JobSpec.document()`, and its digest tells
whether it changed.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import orjson
from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from stockjobs.domain.excerpts import excerpt, shown
from stockjobs.domain.fields import Definition, Duration, Length, by_parser, one_of
from stockjobs.domain.fields import Text as Text
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.symbols import normalise
from stockjobs.domain.market.validation.rules import Severity, check_switches
from stockjobs.domain.periods import Period, parse_duration, parse_instant, parse_period
from stockjobs.domain.scheduling.schedule_spec import Concurrency as Concurrency
from stockjobs.domain.scheduling.schedule_spec import ScheduleSpec as ScheduleSpec
from stockjobs.domain.work.lanes import Priority
from stockjobs.domain.work.retries import RetryPolicy
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


def _priority(value: object) -> object:
    if isinstance(value, str) and value.upper() in Priority.__members__:
        return Priority[value.upper()]
    if isinstance(value, Priority):
        return value
    raise ValueError(f"{shown(value)} is not a priority (critical, high, normal or low)")


Name = Annotated[str, by_parser(check_name)]
Symbol = Annotated[str, by_parser(normalise)]
PriorityName = Annotated[
    Priority,
    BeforeValidator(_priority),
    PlainSerializer(lambda value: Priority(value).name.lower(), when_used="always"),
]


class JobType(StrEnum):
    """What a job collects."""

    MARKETDATA = "marketdata"
    FUNDAMENTALS = "fundamentals"


class Mode(StrEnum):
    """Incremental asks for what is new since the newest stored bar; backfill asks for a window of the past."""

    INCREMENTAL = "incremental"
    BACKFILL = "backfill"


class RetrySpec(Definition):
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


Instant = Annotated[str, by_parser(_instant_or_day)]


class WindowSpec(Definition):
    """Which span of time is asked for: start ≤ bar < end, or a period that ends now (incremental) or today (backfill)."""

    start: Instant | None = None
    end: Instant | None = None
    period: Length | None = None
    refetch: Annotated[bool, Field(exclude_if=lambda wanted: not wanted)] = False
    """Ask for all of it, also for what is stored."""

    @model_validator(mode="after")
    def _ordered(self) -> WindowSpec:
        if self.start and self.period:
            raise ValueError("start and period exclude each other (keep one of them)")
        if self.start and self.end and parse_instant(self.start) >= parse_instant(self.end):
            raise ValueError(f"start {self.start} is not before end {self.end} (give a later end, or swap them)")
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


class Dependency(Definition):
    """A job whose occurrence must have succeeded before one of this job starts."""

    job: Name
    match: Annotated[Match, one_of(Match)] = Match.SAME_TIME
    on_failure: Annotated[OnFailure, one_of(OnFailure)] = OnFailure.SKIP


def _switches(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError(f"rules and what is done about them were expected, not {shown(value)} (`zero-volume: off`)")
    try:
        return check_switches(value)
    except InvalidInput as error:
        raise ValueError(str(error)) from error


SwitchesByRule = Annotated[dict[str, Severity], BeforeValidator(_switches)]


class JobSpec(Definition):
    """The definition of a job."""

    type: Annotated[JobType, one_of(JobType)]
    mode: Annotated[Mode, one_of(Mode)] = Mode.INCREMENTAL
    display_name: Annotated[Text, Field(max_length=200)] = ""
    description: Annotated[Text, Field(max_length=2_000)] = ""
    enabled: bool = True
    provider: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")] = "yahoo"
    symbols: Annotated[
        tuple[Symbol, ...],
        Field(min_length=1, max_length=MAX_SYMBOLS, strict=False, exclude_if=lambda symbols: not symbols),
    ] = ()
    """Without any, the job collects the `tickers` of the settings, as they are when it is applied."""
    intervals: Annotated[tuple[Annotated[Interval, one_of(Interval)], ...], Field(min_length=1, strict=False)] = (
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
    freshness: Duration | None = None
    """How long the source may have had a newer bar before the job is stale; nobody is told of that without a target."""
    depends_on: Annotated[
        tuple[Dependency, ...], Field(max_length=32, strict=False, exclude_if=lambda others: not others)
    ] = ()
    validation: Annotated[SwitchesByRule, Field(exclude_if=lambda switches: not switches)] = Field(default_factory=dict)
    """What is done about bars that break a rule, where that is not the rule's default."""
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
        if self.freshness and (self.mode is not Mode.INCREMENTAL or self.type is not JobType.MARKETDATA):
            raise ValueError("freshness is the target of an incremental job of market data (leave it out)")
        if self.mode is Mode.INCREMENTAL and (self.window.start or self.window.end):
            raise ValueError(
                "window.start and window.end belong to mode backfill (use window.period for the first run)"
            )
        if self.mode is Mode.INCREMENTAL and self.window.refetch:
            raise ValueError("window.refetch belongs to mode backfill (an incremental run asks for what is new)")
        return self

    def document(self) -> dict[str, Any]:
        """The definition as a JSON document, with defaults, in the words of the manifest; `enabled` is not part of it."""
        return self.model_dump(mode="json", by_alias=True, exclude={"enabled"}, exclude_none=True)

    def digest(self) -> str:
        """A SHA-256 of the document: the same definition has the same digest, wherever and whenever it is computed."""
        return hashlib.sha256(orjson.dumps(self.document(), option=orjson.OPT_SORT_KEYS)).hexdigest()


class Metadata(Definition):
    """The name and the labels of a job."""

    name: Name
    labels: dict[Text, Text] = Field(default_factory=dict)


class Manifest(Definition):
    """One YAML document: a job with its name."""

    api_version: Literal["stockjobs/v1"]
    kind: Literal["Job"]
    metadata: Metadata
    spec: JobSpec

    def document(self) -> dict[str, Any]:
        """The manifest as JSON, as `stockctl get -o yaml` shows it and `apply` reads it back."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
