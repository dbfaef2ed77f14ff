"""`stockctl db`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli import tables
from stockjobs.cli.session import container_of
from stockjobs.domain.counting import counted
from stockjobs.domain.market.layouts import Layout
from stockjobs.errors import InvalidInput
from stockjobs.store import revisions, schema

group = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Migrate the database, check it, or change how bars lie in it.",
)


@group.command()
def upgrade(
    ctx: typer.Context,
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="The revision to go up to.")] = "head",
) -> None:
    """Migrate up. Safe to run on several nodes at once, and when there is nothing to do."""
    database = container_of(ctx).database
    schema.upgrade(database, revision)
    typer.echo(f"the database is at schema {revisions.HEAD if revision == 'head' else revision}")


@group.command()
def downgrade(
    ctx: typer.Context,
    revision: Annotated[
        str, typer.Argument(metavar="REVISION", help="The revision to go down to; base removes every table.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Yes, what the older schema has no place for is lost.")] = False,
) -> None:
    """Migrate down. What the older schema has no place for is lost."""
    if not yes:
        raise InvalidInput.because(
            "db downgrade", "may lose data", "make a backup, stop beat and workers, then add --yes"
        )
    database = container_of(ctx).database
    schema.downgrade(database, revision)
    typer.echo(f"the database is at schema {revision}")


@group.command()
def check(ctx: typer.Context) -> None:
    """Check that the database is at this program's schema. The exit code is 2 if it is at another, 6 if it cannot be reached."""
    revisions.check(container_of(ctx).database)
    typer.echo(f"the database is at schema {revisions.HEAD}, as this program needs it")


@group.command()
def storage(
    ctx: typer.Context,
    layout: Annotated[
        Layout | None,
        typer.Argument(metavar="LAYOUT", help="How bars are to lie; without it, how they do."),
    ] = None,
) -> None:
    """Show how the bars lie in the database, or move them. It is one table, partitions by year, or TimescaleDB's hypertable.

    All bars are moved in one transaction; whoever reads or lands bars waits for it. Partitions and hypertable need PostgreSQL.
    """
    layouts = container_of(ctx).layouts
    if layout is not None and layout is layouts.shown().layout:
        new = layouts.extend()
        typer.echo(f"bars lie as {layout} already" + (f"; new partitions: {', '.join(new)}" if new else ""))
        return
    if layout is not None:
        moved = layouts.switch(layout)
        typer.echo(f"{counted(moved, 'bar')} moved: they lie as {layout} now")
        return
    found = layouts.shown()
    pairs = [("layout", str(found.layout))]
    if found.bytes:
        pairs.append(("size", f"{found.bytes / 2**20:,.1f} MiB, indexes included"))
    if found.partitions:
        pairs.append(("partitions", ", ".join(found.partitions)))
    for line in tables.fields(pairs, most=tables.width()):
        typer.echo(line)
