"""What a command works with: the settings of this call, and the container made from them."""

from __future__ import annotations

import getpass

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.globals import Globals
from stockjobs.cli.values import settings_of
from stockjobs.telemetry import logs


def container_of(ctx: typer.Context) -> Container:
    """The container for this call; its connections are given back when the command ends."""
    container = Container(settings_of(ctx)[0])
    ctx.call_on_close(container.close)
    given = ctx.find_object(Globals)
    if given is not None and given.verbose:
        logs.configure("DEBUG", "text")
    return container


def submitter() -> str:
    """Who asks, for the ledger: the user of the operating system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return "stockctl"
