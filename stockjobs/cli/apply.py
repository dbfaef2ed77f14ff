"""`stockctl apply` and `stockctl diff`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Annotated

import typer

from stockjobs.cli.exits import ExitCode
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.sources import sources
from stockjobs.services.administration import Applied
from stockjobs.services.manifests import manifest_of, read_all, render
from stockjobs.store.definitions import Job

Files = Annotated[
    list[str],
    typer.Option("--filename", "-f", metavar="FILE|FOLDER|-", help="YAML manifests; - is stdin. May be repeated."),
]


def apply(
    ctx: typer.Context,
    filename: Files,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Make the jobs as manifests say; repeating it changes nothing.

    All the manifests are applied, or, if anything is wrong with one of them, none.
    """
    for applied in _applied(ctx, filename, dry_run=dry_run):
        note = " (dry run)" if dry_run else ""
        typer.echo(f"job/{applied.after.name} {applied.change}{note}")


def diff(ctx: typer.Context, filename: Files) -> None:
    """Show what applying manifests would change, if anything.

    The exit code is 1 if anything would change, 0 if nothing.
    """
    differs = False
    for applied in _applied(ctx, filename, dry_run=True):
        for line in _differences(applied):
            differs = True
            typer.echo(line)
    if differs:
        raise typer.Exit(ExitCode.ERROR)


def _applied(ctx: typer.Context, names: list[str], *, dry_run: bool) -> list[Applied]:
    manifests = read_all(sources(names)).jobs
    return container_of(ctx).administration.apply(manifests, by=submitter(), dry_run=dry_run)


def _differences(applied: Applied) -> Iterator[str]:
    name = applied.after.name
    return difflib.unified_diff(
        _lines(applied.before), _lines(applied.after), f"stored/{name}", f"manifest/{name}", lineterm=""
    )


def _lines(job: Job | None) -> list[str]:
    if job is None:
        return []
    spec = job.spec.model_copy(update={"enabled": job.enabled})
    return render(manifest_of(job.name, spec, job.labels)).splitlines()
