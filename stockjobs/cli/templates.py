"""Templates, as `stockctl get` and `stockctl describe` show them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from stockjobs.cli import tables
from stockjobs.cli.ages import age, moment
from stockjobs.cli.arguments import Output, Watch
from stockjobs.cli.output import Column, Format, View
from stockjobs.cli.session import container_of
from stockjobs.cli.tables import fields, inner_width, lines
from stockjobs.cli.views import listed
from stockjobs.cli.watching import show
from stockjobs.domain.excerpts import shown
from stockjobs.domain.work.parameters import Parameter
from stockjobs.services.documents.manifests import dump
from stockjobs.store.ledger.templates import StoredTemplate

TEMPLATES: View[StoredTemplate] = View(
    name=lambda stored: f"template/{stored.name}",
    columns=(
        Column("name", lambda stored: stored.name),
        Column("version", lambda stored: stored.version, is_right=True),
        Column("parameters", lambda stored: listed(tuple(one.name for one in stored.template.spec.parameters))),
        Column("age", lambda stored: stored.created_at),
        Column("description", lambda stored: stored.template.spec.description.partition("\n")[0], is_prose=True),
        Column("by", lambda stored: stored.created_by, is_wide=True),
    ),
    document=lambda stored: {
        **stored.template.document(),
        "status": {"version": stored.version, "createdAt": stored.created_at, "createdBy": stored.created_by},
    },
    keeps_empty=True,
)


def templates(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these templates.")] = None,
    output: Output = Format.TABLE,
    watch: Watch = False,
) -> None:
    """List templates: what they are for, and their parameters."""
    container = container_of(ctx)
    kept = container.templates
    show(
        TEMPLATES,
        lambda: [kept.get(name.removeprefix("template/")) for name in names] if names else kept.every(),
        output,
        container.reports.now,
        follow=watch,
        as_list=len(names or ()) != 1,
    )


def describe(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="The template's name.")]
) -> None:
    """Show a template: its parameters, and the job around them."""
    container = container_of(ctx)
    stored = container.templates.get(name.removeprefix("template/"))
    now, zone = container.reports.now(), container.settings.time_zone
    pairs = [
        ("Name", stored.name),
        ("Description", stored.template.spec.description or "-"),
        ("Version", f"{stored.version}, since {moment(stored.created_at, zone)} ({age(stored.created_at, now)} ago)"),
        ("By", stored.created_by),
        ("Labels", ", ".join(f"{key}={value}" for key, value in stored.template.metadata.labels.items()) or "-"),
        ("Job", dump(stored.template.job).rstrip()),
    ]
    for line in (*fields(pairs, most=tables.width()), *_parameters(stored)):
        typer.echo(line)


def _parameters(stored: StoredTemplate) -> Iterator[str]:
    rows = [
        [one.name, one.type, _default(one), _limits(one), one.description.partition("\n")[0] or "-"]
        for one in stored.template.spec.parameters
    ]
    yield "Parameters:" if rows else "Parameters:  none"
    if rows:
        titles = ["name", "type", "default", "allowed", "description"]
        yield from (f"  {line}" for line in lines(titles, rows, most=inner_width(2)))


def _default(parameter: Parameter) -> str:
    if not parameter.has_default:
        return "required"
    if isinstance(parameter.default, list | tuple):
        return listed(tuple(map(str, parameter.default))) or "none"
    return (
        str(parameter.default) if isinstance(parameter.default, str) and parameter.default else shown(parameter.default)
    )


def _limits(parameter: Parameter) -> str:
    parts = []
    if parameter.choices:
        parts.append(", ".join(map(str, parameter.choices)))
    if parameter.minimum is not None or parameter.maximum is not None:
        low = "" if parameter.minimum is None else f"{parameter.minimum}"
        high = "" if parameter.maximum is None else f"{parameter.maximum}"
        parts.append(f"{low} to {high}" if low and high else f"{low} or more" if low else f"{high} or less")
    if parameter.pattern:
        parts.append(parameter.pattern)
    return "; ".join(parts) or "any"
