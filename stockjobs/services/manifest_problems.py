"""What pydantic finds wrong with a manifest, said in our words: where it stands, what was expected, how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from stockjobs.domain.jobs import Manifest
from stockjobs.errors import InvalidInput, Problem
from stockjobs.services.yaml_documents import Node, Path, node_at, shown_path

_SHOWN_CHARACTERS = 60
_EXPECTED = {
    "string_type": ("a text", "put it in quotes"),
    "int_type": ("a whole number", "such as 5"),
    "float_type": ("a number", "such as 1.5"),
    "float_parsing": ("a number", "such as 1.5"),
    "finite_number": ("a finite number", "such as 1.5"),
    "bool_type": ("true or false", "without quotes"),
    "model_type": ("a mapping", "`key: value` lines, indented"),
    "dict_type": ("a mapping", "`key: value` lines, indented"),
    "tuple_type": ("a list", "in brackets, or a line with '- ' for each"),
}
_WORDS_OF_OTHERS = {
    "tickers": "symbols",
    "ticker": "symbols",
    "symbol": "symbols",
    "retries": "retry",
    "tz": "timeZone",
}


def problem_of(detail: ErrorDetails, root: Node, name: str) -> Problem:
    """One error of pydantic's, at its place in the file `name` with the tree `root`."""
    path: Path = tuple(detail["loc"])
    _, line = node_at(root, path)
    place = shown_path(path)
    message, hint = _said(detail, path)
    return Problem(f"{name}:{line}: {place}" if place else f"{name}:{line}", message, hint)


def problem_without_file(detail: ErrorDetails) -> Problem:
    """One error of pydantic's, of a document that was not read from a file."""
    path: Path = tuple(detail["loc"])
    return Problem(shown_path(path), *_said(detail, path))


def is_echo(detail: ErrorDetails) -> bool:
    """True for a list that pydantic calls too short only because its entries were refused, which is told already."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _said(detail: ErrorDetails, path: Path) -> tuple[str, str]:
    kind, given = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return "is not a field of a job", _nearest(path)
    if kind == "missing":
        return "is required", "docs/jobs.md lists the fields"
    if kind in _EXPECTED:
        return _not_expected(kind, given)
    if kind == "literal_error":
        return f"{_shown(given)} is not known", f"it has to be {detail['ctx']['expected']}"
    if kind in ("too_short", "too_long"):
        return _length(detail)
    if kind == "value_error":
        return _refused(detail["ctx"]["error"])
    if kind == "string_pattern_mismatch":
        return f"{_shown(given)} is not a name", "small letters, digits, '-' and '_', a letter first"
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {_shown(given)}", ""


def _not_expected(kind: str, given: object) -> tuple[str, str]:
    expected, hint = _EXPECTED[kind]
    if given is None:
        return f"is empty, {expected} was expected", "give a value, or remove the line"
    return f"{expected} was expected, not {_shown(given)}", hint


def _length(detail: ErrorDetails) -> tuple[str, str]:
    context = detail["ctx"]
    if detail["type"] == "too_short":
        return "the list is empty", "name at least one"
    count = context.get("actual_length")
    return f"has {count or 'too many'} entries, at most {context['max_length']:,} are allowed", "split the job"


def _refused(error: Exception) -> tuple[str, str]:
    if isinstance(error.__cause__, InvalidInput):
        problem = error.__cause__.problems[0]
        return problem.message, problem.hint
    message, bracket, hint = str(error).partition(" (")
    return message, hint.removesuffix(")") if bracket else ""


def _nearest(path: Path) -> str:
    """The hint for a key that no model has: a like key here, the same key elsewhere, or all that there are."""
    key = str(path[-1])
    known = _fields(path[:-1])
    meant = _WORDS_OF_OTHERS.get(key.lower())
    if meant in known:
        return f"did you mean {meant}?"
    by_small = {_small(one): one for one in known}
    near = get_close_matches(_small(key), by_small, n=1, cutoff=0.7)
    if near:
        return f"did you mean {by_small[near[0]]}?"
    elsewhere = [shown_path((*place, key)) for place, fields in _every_place() if key in fields]
    if elsewhere:
        return f"it belongs at {elsewhere[0]}"
    return f"known here: {', '.join(known)}"


def _small(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def _fields(path: Path) -> tuple[str, ...]:
    return next((fields for place, fields in _every_place() if place == path), ())


@cache
def _every_place() -> tuple[tuple[Path, tuple[str, ...]], ...]:
    return tuple(_places(Manifest, ()))


def _places(model: type[BaseModel], path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    yield path, tuple(field.alias or name for name, field in model.model_fields.items())
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _places(kind, (*path, field.alias or name))


def _shown(value: Any) -> str:
    text = {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
