"""What a command works with: the settings of this call, and the container made from them."""

from __future__ import annotations

import getpass

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.globals import Globals
from stockjobs.cli.values import settings_of
from stockjobs.store.database import Database
from stockjobs.telemetry import logs

_CONTAINER = __name__


def container_of(ctx: typer.Context) -> Container:
    """The container for this call, made once; its connections are given back when the command ends."""
    made = ctx.meta.get(_CONTAINER)
    if isinstance(made, Container):
        return made
    container = ctx.meta[_CONTAINER] = Container(settings_of(ctx)[0], on_new=_tell_new)
    ctx.call_on_close(container.close)
    given = ctx.find_object(Globals)
    if given is not None and given.verbose:
        logs.configure("DEBUG", "text")
    return container


def _tell_new(database: Database) -> None:
    typer.echo(f"stockctl: made a new database, {database.shown}", err=True)


def submitter() -> str:
    """Who asks, for the ledger: the user of the operating system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return "stockctl"
