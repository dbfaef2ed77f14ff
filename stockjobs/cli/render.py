"""`stockctl render`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.differences import differences, name_of
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.sources import sources
from stockjobs.cli.taking import taking
from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.work.templates import Template
from stockjobs.errors import InvalidInput, NotFound, Problem
from stockjobs.services.documents.manifests import Manifests, dump, read_all, read_values
from stockjobs.services.work.templates import Rendered
from stockjobs.services.work.templates import render as rendered_from


@dataclass(frozen=True)
class Given:
    """A template by its name or its file, and the values that were typed or stand in a file."""

    template: str | None
    values: tuple[str, ...]
    values_file: str | None
    filename: str | None


def given_of(
    *,
    template: Annotated[
        str | None, typer.Argument(metavar="TEMPLATE", help="Its name; with -f it may be left out.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="The value of a parameter; a list with commas."),
    ] = None,
    values_file: Annotated[
        str | None, typer.Option("--values", metavar="FILE|-", help="YAML with values; --set goes before them.")
    ] = None,
    filename: Annotated[
        str | None, typer.Option("--filename", "-f", metavar="FILE|-", help="A template that is not stored.")
    ] = None,
) -> Given:
    """What options give."""
    return Given(template, tuple(values or ()), values_file, filename)


@taking(given=given_of)
def render(
    ctx: typer.Context,
    given: Given,
    is_applied: Annotated[
        bool, typer.Option("--apply", help="Make the job, and show what that changed in place of its manifest.")
    ] = False,
) -> None:
    """Show the job that a template gives, and apply it if asked to.

    It is a manifest for `stockctl apply -f -`. Its labels say which template and version it comes from.
    """
    found = _read(given.filename) if given.filename else None
    container = container_of(ctx)
    meant, version = _in_file(found, given.template) if found else _stored(container, given.template)
    values, places = _values(meant, given)
    try:
        job = rendered_from(meant, values, version, found.located if found else None)
    except InvalidInput as error:
        raise InvalidInput(*(_placed(problem, places) for problem in error.problems)) from None
    if is_applied:
        _apply(container, job)
    else:
        typer.echo(dump(job.document), nl=False)


def _read(filename: str) -> Manifests:
    found = read_all(sources([filename]))
    if not found.templates:
        raise InvalidInput.because(filename, "holds no templates", "a template has `kind: Template`")
    return found


def _in_file(found: Manifests, name: str | None) -> tuple[Template, None]:
    known = {template.name: template for template in found.templates}
    if name is None and len(known) == 1:
        return found.templates[0], None
    if name is None:
        raise InvalidInput.because("render", "which template is meant was not said", f"one of {', '.join(known)}")
    if name not in known:
        raise NotFound(f"there is no template {excerpt(name)} in the file: there is {', '.join(known)}")
    # A version belongs to what is stored.
    return known[name], None


def _stored(container: Container, name: str | None) -> tuple[Template, int]:
    if name is None:
        raise InvalidInput.because(
            "render", "which template is meant was not said", "stockctl render NAME, or -f FILE with a template"
        )
    stored = container.templates.get(name.removeprefix("template/"))
    return stored.template, stored.version


def _values(template: Template, given: Given) -> tuple[dict[str, object], dict[str, str]]:
    """The values that were given, and where each was."""
    found, places = _values_of_file(given.values_file) if given.values_file else ({}, {})
    parameters = {parameter.name: parameter for parameter in template.spec.parameters}
    for number, text in enumerate(given.values):
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput.because("--set", f"{excerpt(text)} is not NAME=VALUE", "such as --set market=us")
        if any(earlier.partition("=")[0] == name for earlier in given.values[:number]):
            raise InvalidInput.because("--set", f"{excerpt(name)} is given twice", "give it once; a list with commas")
        found[name] = parameters[name].read(value) if name in parameters else value
        places[name] = f"--set {name[:60]}"
    return found, places


def _values_of_file(file: str) -> tuple[dict[str, object], dict[str, str]]:
    contents = list(sources([file]))
    if len(contents) > 1:
        raise InvalidInput.because("--values", f"{file} is a folder", "name one file")
    ((name, content),) = contents
    return read_values(content, name)


def _placed(problem: Problem, places: Mapping[str, str]) -> Problem:
    """A problem with a value, at the place where the value was given."""
    name, bracket, rest = problem.where.partition("[")
    return replace(problem, where=f"{places[name]}{bracket}{rest}") if name in places else problem


def _apply(container: Container, job: Rendered) -> None:
    """Make the job; what is shown is what was changed, as nobody can come in between."""
    (applied,) = container.administration.apply([job.manifest], by=submitter())
    for line in differences(applied):
        typer.echo(line)
    typer.echo(f"{name_of(applied)} {applied.change}")
