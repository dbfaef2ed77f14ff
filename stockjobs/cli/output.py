"""Output in the format that was asked for: tables for people, the rest for programs. A view says what a thing looks like."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import orjson
import typer

from stockjobs.cli import tables
from stockjobs.cli.ages import age
from stockjobs.services.documents.manifests import dump, render_document

T = TypeVar("T")
_UNKNOWN = "-"


class Format(StrEnum):
    """How a list is written."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"
    NAME = "name"


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column: its title, and the value of a thing in it. Times are shown as ages, numbers with thousands; CSV gets them plain.

    A number that counts nothing (an id, a year) is given as text.
    """

    title: str
    value: Callable[[T], object]
    is_wide: bool = False
    is_right: bool = False
    is_wait: bool = False
    """The time is one to come: a past one is shown as `due`."""
    is_prose: bool = False
    """It has sentences: where it is the last and a terminal is too narrow, they go on at words in further lines."""
    spare: int = 0
    """Where a terminal is too narrow, the column with the highest number is left out first; 0 always stays."""


@dataclass(frozen=True)
class View(Generic[T]):
    """What a kind of thing looks like: its name as `kind/NAME`, its columns, and its document for JSON and YAML."""

    name: Callable[[T], str]
    columns: Sequence[Column[T]]
    document: Callable[[T], dict[str, Any]]
    keeps_empty: bool = False
    """True if something empty has a meaning in the document, so that it has to be in its YAML."""
    none: str = "Nothing found."
    """What people are told where there is nothing."""


def write(view: View[T], things: Sequence[T], form: Format, now: datetime, *, as_list: bool = True) -> None:
    """Write things to stdout. JSON is an array, or the thing itself where one was asked for by name."""
    if form is Format.NAME:
        _echo(view.name(thing) for thing in things)
    elif form is Format.JSON:
        documents = [view.document(thing) for thing in things]
        typer.echo(as_json(documents if as_list or len(documents) != 1 else documents[0]))
    elif form is Format.YAML:
        typer.echo(
            "---\n".join(as_yaml(view.document(thing), keeps_empty=view.keeps_empty) for thing in things), nl=False
        )
    elif form is Format.CSV:
        write_csv(view, things)
    elif things:
        is_wide = form is Format.WIDE
        _echo(table(view, things, now, is_wide=is_wide, width=None if is_wide else tables.width()))
    else:
        typer.echo(view.none, err=True)


def table(
    view: View[T], things: Sequence[T], now: datetime, *, is_wide: bool, width: int | None = None
) -> Iterator[str]:
    """The lines of a table. Where it is wider than `width`, columns that can be spared are left out."""
    columns = [column for column in view.columns if is_wide or not column.is_wide]
    cells = [[column.title, *(_cell(column, column.value(thing), now) for thing in things)] for column in columns]
    least = [
        [cell[: tables.NARROWEST] for cell in column] if columns[place].is_prose else column
        for place, column in enumerate(cells)
    ]
    kept = tables.fitting(least, [column.spare for column in columns], width)
    titles, *rows = zip(*(cells[index] for index in kept), strict=True)
    right = frozenset(place for place, index in enumerate(kept) if columns[index].is_right)
    most = width if columns[kept[-1]].is_prose else None
    return tables.lines(titles, rows, right=right, colour=tables.has_colour(), most=most)


def _cell(column: Column[T], value: object, now: datetime) -> str:
    if isinstance(value, datetime):
        return "due" if column.is_wait and value <= now else age(value, now) or _UNKNOWN
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return _UNKNOWN if value is None or value == "" else _text(value)


def write_csv(view: View[T], things: Sequence[T]) -> None:
    """All columns as CSV, times in ISO 8601 UTC, what is not known left empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([column.title.lower().replace(" ", "_") for column in view.columns])
    for thing in things:
        writer.writerow(["" if (value := column.value(thing)) is None else _text(value) for column in view.columns])


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def as_json(document: object) -> str:
    """A document as indented JSON, times in ISO 8601 UTC."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()


def as_json_line(document: object) -> str:
    """A document as JSON in one line."""
    return orjson.dumps(document, option=orjson.OPT_UTC_Z).decode()


def as_yaml(document: dict[str, Any], *, keeps_empty: bool = False) -> str:
    """A document as YAML, without what is empty unless that is to be kept."""
    plain = orjson.loads(as_json_line(document))
    return dump(plain) if keeps_empty else render_document(plain)


def _echo(lines: Iterator[str]) -> None:
    for line in lines:
        typer.echo(line)
