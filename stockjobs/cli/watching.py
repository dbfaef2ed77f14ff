"""Showing a list once, or following it: first all of it, then what is new or has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import typer

from stockjobs.cli.output import Format, View, table, write
from stockjobs.errors import InvalidInput

T = TypeVar("T")
_EVERY_S = 1.0


def show(
    view: View[T],
    read: Callable[[], Sequence[T]],
    form: Format,
    now: Callable[[], datetime],
    *,
    follow: bool = False,
    as_list: bool = True,
) -> None:
    """Write what `read` gives; following, read again every second and write the lines that are new, until interrupted."""
    if follow and form not in (Format.TABLE, Format.WIDE):
        raise InvalidInput.because(
            "--watch", f"cannot follow as {form}", "use -o table or wide, or `stockctl events -w`"
        )
    things = read()
    if follow and things:
        # Lines that come later have the same columns, so none is left out.
        for line in table(view, things, now(), is_wide=form is Format.WIDE):
            typer.echo(line)
    else:
        write(view, things, form, now(), as_list=as_list)
    known = {view.name(thing): view.document(thing) for thing in things}
    has_titles = bool(things)
    while follow:
        time.sleep(_EVERY_S)
        changed = [thing for thing in read() if known.get(view.name(thing)) != view.document(thing)]
        known.update({view.name(thing): view.document(thing) for thing in changed})
        if changed:
            titles, *rows = table(view, changed, now(), is_wide=form is Format.WIDE)
            for line in rows if has_titles else (titles, *rows):
                typer.echo(line)
            has_titles = True
