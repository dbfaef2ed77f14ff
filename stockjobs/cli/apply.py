"""`stockctl apply` and `stockctl diff`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from stockjobs.cli.differences import differences, name_of
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.sources import sources
from stockjobs.errors import InvalidInput
from stockjobs.services.documents.manifests import read_all
from stockjobs.services.work.administration import Applied
from stockjobs.services.work.templates import AppliedTemplate

Files = Annotated[
    list[str],
    typer.Option("--filename", "-f", metavar="FILE|FOLDER|-", help="YAML manifests; - is stdin. May be repeated."),
]


def apply(
    ctx: typer.Context,
    filename: Files,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Make jobs and templates as manifests say. Repeating it changes nothing.

    All the manifests are applied, or, if anything is wrong with one of them, none.
    """
    for applied in _applied(ctx, filename, dry_run=dry_run):
        note = " (dry run)" if dry_run else ""
        typer.echo(f"{name_of(applied)} {applied.change}{note}")


def diff(ctx: typer.Context, filename: Files) -> None:
    """Show what applying manifests would change, if anything.

    The exit code is 1 if anything would change, 0 if nothing.
    """
    differs = False
    for applied in _applied(ctx, filename, dry_run=True):
        for line in differences(applied):
            differs = True
            typer.echo(line)
    if differs:
        raise typer.Exit(ExitCode.ERROR)


def _applied(ctx: typer.Context, names: list[str], *, dry_run: bool) -> Sequence[Applied | AppliedTemplate]:
    found = read_all(sources(names))
    try:
        return container_of(ctx).templates.apply(found, by=submitter(), dry_run=dry_run)
    except InvalidInput as error:
        raise InvalidInput(*map(found.placed, error.problems)) from error
