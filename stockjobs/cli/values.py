"""Reading what is typed: settings, durations, dates, label selectors, and models made of options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import typer
from pydantic import BaseModel, ValidationError

from stockjobs import settings
from stockjobs.cli.globals import Globals
from stockjobs.domain.periods import parse_duration, parse_instant
from stockjobs.errors import InvalidInput, Problem
from stockjobs.services.documents.problems import is_echo, problem_without_file
from stockjobs.settings import Origin, Settings

Model = TypeVar("Model", bound=BaseModel)

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def settings_of(ctx: typer.Context) -> tuple[Settings, dict[str, Origin]]:
    """The settings of this call, and where each comes from. Raises InvalidInput."""
    given = ctx.find_object(Globals) or Globals()
    return settings.load(database_url=given.database_url, redis_url=given.redis_url)


def timeout(text: str) -> timedelta:
    """A duration, or a bare number of seconds, as `timeout` and `curl` take it. Raises InvalidInput naming --timeout."""
    return parse_duration(f"{text}s" if _NUMBER.fullmatch(text) else text, "--timeout")


def day_or_instant(text: str, where: str) -> datetime:
    """A day, which begins at midnight UTC, or an instant. Raises InvalidInput."""
    return parse_instant(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text, where)


def words(given: list[str] | None) -> list[str]:
    """What a repeatable option was given, where commas separate too."""
    return [word.strip() for text in given or () for word in text.split(",") if word.strip()]


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """True if labels satisfy a selector: k=v, k!=v, k and !k, all of those between commas. Raises InvalidInput."""
    return all(_holds(term.strip(), labels) for term in selector.split(","))


def check_selector(selector: str) -> None:
    """Raise InvalidInput for what is no selector, also where there is nothing to select from."""
    for term in selector.split(","):
        _holds(term.strip(), {})


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
    # Of a window as a whole its own words say which options are meant.
    option = {"intervals": "interval", "window": ""}.get(names[-1], names[-1]) if names else ""
    option = re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", option)
    return Problem(f"--{option}" if option else "", problem.message, problem.hint)
