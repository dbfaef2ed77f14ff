"""`stockctl budget`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from stockjobs.cli.ages import span
from stockjobs.cli.output import Column, Format, View, write
from stockjobs.cli.session import container_of, submitter
from stockjobs.domain.asking.budgets import Usage
from stockjobs.domain.counting import counted
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import InvalidInput
from stockjobs.providers import registry


def budget(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="PROVIDER", help="Only this one.")] = None,
    output: Annotated[Format, typer.Option("--output", "-o", help="How to write it.")] = Format.TABLE,
    reopen: Annotated[
        str | None,
        typer.Option(metavar="PROVIDER[/EGRESS]", help="End the cool-down or break of a provider now."),
    ] = None,
) -> None:
    """Show what is left of budgets, and which providers are closed.

    Each provider has a budget for each egress, the address from which requests leave. It is listed from the first request of a
    worker until a day after the last. What was asked still counts after --reopen, and the provider may close again; what was
    deferred for it goes on.
    """
    container = container_of(ctx)
    if reopen and name:
        raise InvalidInput.because("--reopen", "names a provider itself", f"leave {name!r} away")
    if reopen:
        provider, _, egress = reopen.partition("/")
        done = container.reopening.reopen(provider, egress or "default", by=submitter())
        again = "is open again: it is asked at once, and closes if it still refuses" if done.was_closed else "was open"
        goes = f"; {counted(done.tasks, 'task')} {'goes' if done.tasks == 1 else 'go'} on" if done.tasks else ""
        typer.echo(f"budget/{provider}/{egress or 'default'} {again}{goes}")
        return
    if name:
        registry.check_name(name, "PROVIDER")
    found = [one for one in container.budgets.usages() if name in (None, one.provider)]
    view = replace(_VIEW, none=f"No worker has asked {name} within the last day.") if name else _VIEW
    write(view, found, output, datetime.now(UTC))


def _name(usage: Usage) -> str:
    return f"budget/{usage.provider}/{usage.egress}"


def _window(usage: Usage, index: int) -> str | None:
    limit = usage.budget.windows[index][1]
    return f"{usage.used[index]}/{limit}" if limit else None


def _state(usage: Usage) -> str:
    if usage.closure is None:
        return "open"
    return f"{usage.closure}, probing" if usage.is_probing else usage.closure.value


def _opens(usage: Usage, lane: Lane) -> str:
    wait = usage.opens_in[lane]
    return span(wait) if wait.total_seconds() >= 1 else "now"


def _document(usage: Usage) -> dict[str, object]:
    windows = zip(usage.budget.windows, usage.kept.windows, usage.used, usage.historical, strict=True)
    return {
        "provider": usage.provider,
        "egress": usage.egress,
        "state": usage.closure.value if usage.closure else "open",
        "until": usage.closed_until,
        "isProbing": usage.is_probing,
        "failuresInARow": usage.failures,
        "waiting": usage.waiting,
        "windows": [
            {
                "seconds": int(length.total_seconds()),
                "limit": limit,
                "used": used,
                "historicalLimit": kept,
                "historicalUsed": historical,
            }
            for (length, limit), (_, kept), used, historical in windows
            if limit
        ],
        "opensInSeconds": {lane.value: wait.total_seconds() for lane, wait in usage.opens_in.items()},
    }


_VIEW: View[Usage] = View(
    name=_name,
    columns=(
        Column("provider", lambda one: one.provider),
        Column("egress", lambda one: one.egress),
        Column("state", _state),
        Column("until", lambda one: one.closed_until, is_wait=True, spare=2),
        Column("second", lambda one: _window(one, 0), is_right=True),
        Column("minute", lambda one: _window(one, 1), is_right=True),
        Column("hour", lambda one: _window(one, 2), is_right=True),
        Column("waiting", lambda one: one.waiting, is_right=True, spare=3),
        Column("realtime", lambda one: _opens(one, Lane.REALTIME)),
        Column("historical", lambda one: _opens(one, Lane.HISTORICAL), spare=1),
        Column("failures", lambda one: one.failures, is_wide=True, is_right=True),
    ),
    document=_document,
    none="No worker has asked a provider within the last day.",
)
