"""Reading what is typed: settings, durations, dates, label selectors, and models made of options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

import typer
from pydantic import BaseModel, ValidationError

from stockjobs import settings
from stockjobs.cli.globals import Globals
from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.periods import Period, parse_duration, parse_period
from stockjobs.errors import InvalidInput, Problem
from stockjobs.services.documents.problems import is_echo, problem_without_file
from stockjobs.settings import Origin, Settings

Model = TypeVar("Model", bound=BaseModel)

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SHORT = re.compile(
    r"(?:([0-9]+)y)?(?:([0-9]+)mo)?(?:([0-9]+)wk?)?(?:([0-9]+)d)?"
    r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?"
)


def settings_of(ctx: typer.Context) -> tuple[Settings, dict[str, Origin]]:
    """The settings of this call, and where each comes from. Raises InvalidInput."""
    given = ctx.find_object(Globals) or Globals()
    return settings.load(database_url=given.database_url, redis_url=given.redis_url)


def duration(text: str, where: str) -> timedelta:
    """A duration of fixed length such as 90s, 10m, 1h30m, 30d or PT10M. Raises InvalidInput."""
    as_iso = iso(text)
    if not as_iso.startswith("P"):
        raise InvalidInput.because(where, f"{excerpt(text)} is not a duration", "such as 90s, 10m, 1h30m or PT10M")
    return parse_duration(as_iso, where)


def period(text: str, where: str) -> Period:
    """A length of time that may have months and years: 12h, 30d, 6mo, P30D. Raises InvalidInput."""
    as_iso = iso(text)
    if not as_iso.startswith("P"):
        raise InvalidInput.because(where, f"{excerpt(text)} is not a length of time", "such as 12h, 30d, 6mo or P30D")
    return parse_period(as_iso, where)


def timeout(text: str) -> timedelta:
    """A duration, or a bare number of seconds, as `timeout` and `curl` take it. Raises InvalidInput naming --timeout."""
    return duration(f"{text}s" if _NUMBER.fullmatch(text) else text, "--timeout")


def iso(text: str) -> str:
    """A length of time in short words (90s, 1h30m, 5d, 1wk, 6mo, 10y) as ISO 8601; anything else as it is."""
    short = _SHORT.fullmatch(text)
    if short is None or not any(short.groups()):
        return text
    parts = [f"{number}{letter}" if number else "" for number, letter in zip(short.groups(), "YMWDHMS", strict=True)]
    time = "".join(parts[4:])
    return f"P{''.join(parts[:4])}{f'T{time}' if time else ''}"


def words(given: list[str] | None) -> list[str]:
    """What a repeatable option was given, where commas separate too."""
    return [word.strip() for text in given or () for word in text.split(",") if word.strip()]


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """True if labels satisfy a selector: k=v, k!=v, k and !k, all of those between commas. Raises InvalidInput."""
    return all(_holds(term.strip(), labels) for term in selector.split(","))


def _holds(term: str, labels: Mapping[str, str]) -> bool:
    match = re.fullmatch(r"(!?)([^\s=!]+)(?:(==|=|!=)([^\s=!]*))?", term)
    if match is None or (match[1] and match[3]):
        raise InvalidInput.because(
            "--selector", f"{term!r} is not a label selector", "such as set=ready,tier!=test,!adhoc"
        )
    absent, key, operator, value = match.groups()
    if operator is None:
        return (key in labels) != bool(absent)
    return (labels.get(key) == value) != (operator == "!=")


def checked(model: type[Model], options: Mapping[str, object]) -> Model:
    """A model made of options by its YAML words; those not given are left out. Raises InvalidInput naming the options."""
    given = {name: value for name, value in options.items() if value not in (None, [], {})}
    try:
        return model.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        details = [detail for detail in error.errors() if not is_echo(detail)]
        raise InvalidInput(*(_of_option(problem_without_file(detail), detail["loc"]) for detail in details)) from None


def _of_option(problem: Problem, path: tuple[str | int, ...]) -> Problem:
    names = [step for step in path if isinstance(step, str)]
    option = {"intervals": "interval"}.get(names[-1], names[-1]) if names else ""
    return Problem(f"--{option}" if option else "", problem.message, problem.hint)
