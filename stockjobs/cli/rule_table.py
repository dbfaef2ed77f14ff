"""`stockctl get rules`: the rules by which bars, splits and payments are checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from stockjobs.cli.arguments import Output
from stockjobs.cli.output import Column, Format, View, write
from stockjobs.cli.session import container_of
from stockjobs.cli.views import camel
from stockjobs.domain.market.validation.rules import RULES, Severity, severity_of


@dataclass(frozen=True)
class Shown:
    """A rule, with what is done about what breaks it."""

    rule: str
    severity: Severity
    default: Severity
    needs: str
    switchable: bool
    meaning: str


RULE: View[Shown] = View(
    name=lambda shown: f"rule/{shown.rule}",
    columns=(
        Column("rule", lambda shown: shown.rule),
        Column("then", lambda shown: shown.severity),
        Column("default", lambda shown: shown.default, is_wide=True),
        Column("needs", lambda shown: shown.needs or None, is_wide=True),
        Column("switchable", lambda shown: shown.switchable, is_wide=True),
        Column("meaning", lambda shown: shown.meaning, is_prose=True),
    ),
    document=camel,
)


def rules(
    ctx: typer.Context,
    output: Output = Format.TABLE,
    job: Annotated[str | None, typer.Option("--job", metavar="JOB", help="As this job has them switched.")] = None,
) -> None:
    """List the rules by which bars are checked, in their order. It tells what each means, and what it does."""
    switches = container_of(ctx).reports.job(job).job.spec.validation if job else {}
    shown = [
        Shown(one.name, severity_of(one, switches), one.severity, one.needs, not one.is_fixed, one.reason)
        for one in RULES.values()
    ]
    write(RULE, shown, output, datetime.now(UTC))
