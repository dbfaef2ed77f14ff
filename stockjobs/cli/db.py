"""`stockctl db`."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli.session import container_of
from stockjobs.errors import InvalidInput
from stockjobs.store import revisions, schema

group = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Migrate the database, or check it."
)


@group.command()
def upgrade(
    ctx: typer.Context,
    revision: Annotated[str, typer.Argument(help="The revision to go up to.")] = "head",
) -> None:
    """Migrate up. Safe to run on several nodes at once, and when there is nothing to do."""
    database = container_of(ctx).database
    schema.upgrade(database, revision)
    typer.echo(f"the database is at schema {revisions.HEAD if revision == 'head' else revision}")


@group.command()
def downgrade(
    ctx: typer.Context,
    revision: Annotated[str, typer.Argument(help="The revision to go down to; base removes every table.")],
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
    """Check that the database can be reached and is at this program's schema; exit code 2 if it is at another."""
    revisions.check(container_of(ctx).database)
    typer.echo(f"the database is at schema {revisions.HEAD}, as this program needs it")
