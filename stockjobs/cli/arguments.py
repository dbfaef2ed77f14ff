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
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended: exit code 7 if it failed, 8 if in part.")]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="TIME", help="Wait at most so long: 90s (or 90), 10m, 1h30m, PT10M.")
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="The request's key: asking again with it gives the same occurrence."),
]
