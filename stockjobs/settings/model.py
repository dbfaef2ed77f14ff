"""Every setting: its type, its bounds, its unit, its default and what it is for."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from stockjobs.domain.fields import one_of
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.symbols import normalise
from stockjobs.domain.masks import mask_secrets
from stockjobs.domain.periods import iso, parse_period
from stockjobs.domain.scheduling.cron import parse_zone
from stockjobs.errors import InvalidInput

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _zone(value: str) -> str:
    try:
        return parse_zone(value)
    except InvalidInput as error:
        raise ValueError(str(error)) from error


def _tickers(values: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(normalise(value) for value in values))
    except InvalidInput as error:
        raise ValueError(str(error)) from error


def _not_within_a_day(value: str) -> str:
    if value and parse_period(value).nominal < timedelta(days=1):
        raise ValueError(f"{value} is shorter than a day (5d is five days, 6mo six months)")
    return value


def _once_each(values: tuple[Interval, ...]) -> tuple[Interval, ...]:
    return tuple(dict.fromkeys(values))


def _period_or_empty(value: str) -> str:
    try:
        if value:
            parse_period(value)
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    return iso(value)


def _in_capitals(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _field(default: object, about: str, *, unit: str = "", short: str = "", secret: bool = False, **limits: Any) -> Any:
    extra: dict[str, JsonValue] = {"unit": unit, "short": short, "secret": secret}
    return Field(default=default, description=about, json_schema_extra=extra, **limits)


class Settings(BaseModel):
    """Every setting, with its unit, default and reason. `stockctl config` lists them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    database_url: str = _field(
        "sqlite:///.stockjobs/stockjobs.db",
        "Where the ledger and the data are: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME; else in the state folder.",
        short="DATABASE_URL",
        secret=True,
    )
    redis_url: str = _field(
        "redis://127.0.0.1:6379/0",
        "The broker of the lanes: redis://, rediss:// or redis+socket://; else the embedded one in the state folder.",
        short="REDIS_URL",
        secret=True,
    )
    provider_url: str = _field(
        "",
        "Sends the provider's requests to this base URL instead of Yahoo, as for the local Yahoo server; empty for Yahoo itself.",
        short="PROVIDER_URL",
    )
    provider_engine: Literal["chart", "history"] = _field(
        "chart", "How Yahoo's bars are read: from the chart JSON (fast), or by yfinance's Ticker.history."
    )
    provider_timeout: float = _field(
        20.0, "The longest that one request to a provider may take.", unit="s", gt=0, le=300
    )
    providers: dict[str, dict[str, JsonValue]] = _field(
        {},
        "What can be chosen about each provider: tables [providers.NAME] in the file, STOCKJOBS_PROVIDERS_NAME_OPTION in the "
        "environment; `stockctl providers` lists the options.",
    )
    tickers: Annotated[tuple[str, ...], AfterValidator(_tickers)] = _field(
        (), "The symbols of jobs that name none, separated by commas.", short="TICKERS"
    )
    intervals: Annotated[tuple[Annotated[Interval, one_of(Interval)], ...], AfterValidator(_once_each)] = _field(
        (), "The intervals of market data jobs that name none, separated by commas; empty: 1d.", short="INTERVAL"
    )
    period: Annotated[str, AfterValidator(_period_or_empty), AfterValidator(_not_within_a_day)] = _field(
        "",
        "How far back market data jobs go that name neither a period nor a start; empty: as docs/jobs.md says.",
        unit="ISO 8601",
        short="PERIOD",
    )
    log_level: Annotated[LogLevel, BeforeValidator(_in_capitals)] = _field(
        "INFO", "The least severe log lines that are written.", short="LOG_LEVEL"
    )
    log_format: Literal["auto", "json", "text"] = _field(
        "auto", "JSON lines, or text for people; auto is text on a terminal."
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = _field(
        "UTC", "The zone in which people are shown times.", short="TIME_ZONE"
    )
    state_dir: str = _field(".stockjobs", "The folder where the embedded system keeps its state.")
    historical_share: float = _field(
        0.1,
        "The share of a worker that historical work gets while realtime work waits too, so that it never starves.",
        ge=0,
        le=0.9,
    )
    lane_window: int = _field(
        64,
        "How many messages of a lane are in Redis at the least while work waits; the rest waits in SQL.",
        unit="messages",
        ge=1,
        le=1000,
    )
    provider_parallel: int = _field(
        0,
        "How many tasks of one provider run at once, over the whole fleet; 0 for as many as there is room for.",
        unit="tasks",
        ge=0,
        le=10_000,
    )
    budget_per_second: int | None = _field(
        None,
        "How many requests one address may send to Yahoo in any second, over the whole fleet; 0 for any number. Where nothing is "
        "set: 2 for Yahoo itself, any number where provider_url is set.",
        unit="requests",
        ge=0,
        le=1_000,
    )
    budget_per_minute: int | None = _field(
        None, "The same in any minute; else 60 for Yahoo itself.", unit="requests", ge=0, le=60_000
    )
    budget_per_hour: int | None = _field(
        None, "The same in any hour; else 1500 for Yahoo itself.", unit="requests", ge=0, le=1_000_000
    )
    budget_realtime_share: float = _field(
        0.3, "The share of each budget that historical work leaves to realtime work.", ge=0, le=0.9
    )
    egress: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] = _field(
        "default",
        "The name of the address from which a worker's requests leave; those with the same name share one budget.",
    )
    fetch_parallel: int = _field(
        8,
        "For how many of its symbols an attempt waits at once: waiting for answers costs a thread each and hardly any CPU.",
        unit="requests",
        ge=1,
        le=64,
    )
    resend_after: float = _field(
        10.0,
        "How old an unclaimed message may get before Redis is asked whether it still has it.",
        unit="s",
        gt=0,
        le=3600,
    )
    lease: float = _field(
        30.0,
        "How long a worker owns a task without a heartbeat; after that the task is offered again.",
        unit="s",
        ge=2,
        le=3600,
    )
    heartbeat: float = _field(
        2.0,
        "How often a worker shows itself, and looks whether what it runs was cancelled; a third of the lease if that is shorter.",
        unit="s",
        gt=0,
        le=600,
    )
    max_timeout: float = _field(
        3600.0,
        "The longest that an attempt of any job may download; a job whose timeout is above it is refused.",
        unit="s",
        gt=0,
        le=86_400,
    )
    worker_memory: int | None = _field(
        None,
        "How much memory a process of a worker may have taken: one above it is replaced when its task has ended. Empty: any.",
        unit="MiB",
        ge=1,
    )
    beat_interval: float = _field(
        1.0, "The longest that beat sleeps between two looks at the ledger.", unit="s", gt=0, le=60
    )
    retention: Annotated[str, AfterValidator(_period_or_empty)] = _field(
        "P30D",
        "How long occurrences that completed, were cancelled or skipped are kept, with their tasks and events; empty: for ever.",
        unit="ISO 8601",
    )
    retention_failed: Annotated[str, AfterValidator(_period_or_empty)] = _field(
        "P90D", "The same for those that failed or timed out.", unit="ISO 8601"
    )
    retention_count: int = _field(
        10_000,
        "How many ended occurrences of each job and state are kept at the most; 0: any number.",
        unit="occurrences",
        ge=0,
    )
    heartbeat_path: str = _field(
        "",
        "A file to which a worker or a beat writes the time as long as it makes progress, for health checks; empty: none.",
    )

    def shown(self, name: str) -> object:
        """A setting as people may see it: the password in a URL is replaced by ***."""
        value = getattr(self, name)
        if isinstance(value, dict):
            # Which of them are secret, the provider alone knows.
            return " ".join(f"{provider}.{option}=***" for provider, given in value.items() for option in given)
        return masked(value) if is_secret(name) else value


def is_secret(name: str) -> bool:
    """True if the value of a setting may hold a password."""
    return bool(_extra(name)["secret"])


def masked(url: str) -> str:
    """A URL without its password, also where the URL is malformed: all between the scheme's :// and the last @."""
    if "://" not in url:
        return "***" if "@" in url else url
    # Whatever stands here is one URL, so a blank in it is part of the password.
    return mask_secrets("".join(url.split()))


def variables(name: str) -> tuple[str, ...]:
    """The environment variables that set a setting, first found wins."""
    short = str(_extra(name)["short"])
    full = f"STOCKJOBS_{name.upper()}"
    return (full, short) if short else (full,)


def _extra(name: str) -> dict[str, Any]:
    extra = Settings.model_fields[name].json_schema_extra
    return extra if isinstance(extra, dict) else {}
