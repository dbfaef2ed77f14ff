"""What pydantic finds wrong with a document, said in our words: where it stands, what was expected, how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stockjobs.domain.excerpts import shown
from stockjobs.domain.places import Fault, Path, shown_path
from stockjobs.domain.work.jobs import Manifest
from stockjobs.domain.work.templates import Template
from stockjobs.errors import InvalidInput, Problem
from stockjobs.services.documents.yaml_documents import Node, node_at

_KINDS = "'Job' or 'Template'"
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


@dataclass(frozen=True)
class Kind:
    """A kind of document: what it is called, the page that lists its fields, and its model."""

    word: str
    page: str
    model: type[BaseModel]


IN_JOB = Kind("job", "docs/jobs.md", Manifest)
IN_TEMPLATE = Kind("template", "docs/templates.md", Template)


def faults_of(error: ValidationError, kind: Kind) -> list[Fault]:
    """All that pydantic found wrong with a document of that kind."""
    return [fault for detail in error.errors() if not is_echo(detail) for fault in _faults(detail, kind)]


def _faults(detail: ErrorDetails, kind: Kind) -> list[Fault]:
    """One error of pydantic's: several where entries of a mapping were refused, each by its name."""
    given, cause = detail["input"], getattr(detail.get("ctx", {}).get("error"), "__cause__", None)
    names = {str(name) for name in given} if isinstance(given, dict) else set()
    if isinstance(cause, InvalidInput) and names.issuperset(problem.where for problem in cause.problems):
        return [Fault((*detail["loc"], problem.where), problem.message, problem.hint) for problem in cause.problems]
    return [Fault(detail["loc"], *_said(detail, kind), is_of_key=detail["type"] == "extra_forbidden")]


def located(fault: Fault, root: Node, name: str) -> Problem:
    """A fault at its place in the file `name` with the tree `root`."""
    _, line = node_at(root, fault.path)
    place = shown_path(fault.path)
    return Problem(f"{name}:{line}: {place}" if place else f"{name}:{line}", fault.message, fault.hint)


def problem_without_file(detail: ErrorDetails) -> Problem:
    """One error of pydantic's, of a job's fields that were not read from a file."""
    return Problem(shown_path(detail["loc"]), *_said(detail, IN_JOB))


def is_echo(detail: ErrorDetails) -> bool:
    """True for a list that pydantic calls too short only because its entries were refused, which is told already."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _said(detail: ErrorDetails, of: Kind) -> tuple[str, str]:
    kind, given, path = detail["type"], detail["input"], detail["loc"]
    if kind == "extra_forbidden":
        return f"is not a field of a {of.word}", _nearest(path, of.model)
    if kind == "missing":
        return "is required", f"{of.page} lists the fields"
    if kind in _EXPECTED:
        return _not_expected(kind, given)
    if kind == "literal_error":
        expected = _KINDS if path == ("kind",) else detail["ctx"]["expected"]
        return f"{shown(given)} is not known", f"it has to be {expected}"
    if kind in ("too_short", "too_long"):
        return _length(detail)
    if kind == "value_error":
        return _refused(detail["ctx"]["error"])
    if kind == "string_pattern_mismatch":
        return f"{shown(given)} is not a name", "small letters, digits, '-' and '_', a letter first"
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {shown(given)}", ""


def _not_expected(kind: str, given: object) -> tuple[str, str]:
    expected, hint = _EXPECTED[kind]
    if given is None:
        return f"is empty, {expected} was expected", "give a value, or remove the line"
    return f"{expected} was expected, not {shown(given)}", hint


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


def _nearest(path: Path, model: type[BaseModel]) -> str:
    """The hint for a key that no model has: a like key here, the same key elsewhere, or all that there are."""
    key = str(path[-1])
    known = _fields(path[:-1], model)
    meant = _WORDS_OF_OTHERS.get(key.lower())
    if meant in known:
        return f"did you mean {meant}?"
    by_small = {_small(one): one for one in known}
    near = get_close_matches(_small(key), by_small, n=1, cutoff=0.7)
    if near:
        return f"did you mean {by_small[near[0]]}?"
    elsewhere = [shown_path((*place, key)) for place, fields in _every_place(model) if key in fields]
    if elsewhere:
        return f"it belongs at {elsewhere[0]}"
    return f"known here: {', '.join(known)}"


def _small(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def _fields(path: Path, model: type[BaseModel]) -> tuple[str, ...]:
    """The fields at a path; the entries of a list are all alike."""
    keys = tuple(step for step in path if isinstance(step, str))
    return next((fields for place, fields in _every_place(model) if place == keys), ())


@cache
def _every_place(model: type[BaseModel]) -> tuple[tuple[Path, tuple[str, ...]], ...]:
    return tuple(_places(model, ()))


def _places(model: type[BaseModel], path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    yield path, tuple(field.alias or name for name, field in model.model_fields.items())
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _places(kind, (*path, field.alias or name))
