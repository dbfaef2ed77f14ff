"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

from stockjobs.cli.output import Format

Output = Annotated[Format, typer.Option("--output", "-o", help="How to write it.")]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Go on, and write what is new or has changed, until Ctrl-C.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many, the newest first.")]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="The request's key: asking again with it gives the same occurrence."),
]
