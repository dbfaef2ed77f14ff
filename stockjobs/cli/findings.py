"""`stockctl get findings`, `describe finding`, `release` and `reject`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import typer
from pydantic.alias_generators import to_camel

from stockjobs.cli import tables
from stockjobs.cli.ages import age, moment
from stockjobs.cli.arguments import Limit, Output, Watch
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.filters import moment_of
from stockjobs.cli.output import Column, Format, View, as_json
from stockjobs.cli.session import container_of, submitter
from stockjobs.cli.tables import fields
from stockjobs.cli.taking import taking
from stockjobs.cli.values import words
from stockjobs.cli.views import price, short
from stockjobs.cli.watching import show
from stockjobs.domain.counting import counted
from stockjobs.domain.market.bars import NO_VOLUME, PRICES, Bars
from stockjobs.domain.market.findings import FindingFilter, FindingKind, FindingState, words_of
from stockjobs.domain.market.symbols import normalise
from stockjobs.domain.market.validation.rules import RULES, known_rule
from stockjobs.errors import InvalidInput
from stockjobs.providers import registry
from stockjobs.services.market.quarantine import Decided, Quarantine
from stockjobs.services.market.refusing import remedy_of
from stockjobs.services.market.releasing import Held
from stockjobs.store.market.quarantine import StoredFinding

OfSymbol = Annotated[str | None, typer.Option("--symbol", "-s", metavar="SYMBOL", help="Only those about this symbol.")]
OfKinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="KIND",
        help=f"Only those of this kind; may be repeated, or with commas: {', '.join(FindingKind)}.",
    ),
]
OfStates = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help=f"Only those in this state; may be repeated, or with commas: {', '.join(FindingState)}.",
    ),
]
OfRule = Annotated[
    str | None,
    typer.Option("--rule", metavar="RULE", help=f"Only what breaks this rule: {', '.join(RULES)}."),
]
OfProvider = Annotated[
    str | None, typer.Option("--provider", metavar="PROVIDER", help="Only those about what this provider tells.")
]
OfJob = Annotated[str | None, typer.Option("--job", metavar="JOB", help="Only what this job found.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="Only those found since then: 7d, P1M, 2026-01-31 or an instant."),
]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="FINDING", help="Their ids; the first 4 or more digits suffice.")
]
All = Annotated[bool, typer.Option("--all", help="All that are open, if nothing else says which.")]


_COUNTED = 1_000


class DescribedAs(StrEnum):
    """How a finding is described."""

    TEXT = "text"
    JSON = "json"


Replace = Annotated[
    bool, typer.Option("--replace", help="Also where a stored bar passes the checks; it is kept as a version.")
]


def _document(finding: StoredFinding) -> dict[str, Any]:
    return {to_camel(name): getattr(finding, name) for name in StoredFinding.__dataclass_fields__}


FINDINGS: View[StoredFinding] = View(
    name=lambda finding: f"finding/{finding.id}",
    columns=(
        Column("id", lambda finding: short(finding.id)),
        Column("symbol", lambda finding: finding.symbol),
        Column("interval", lambda finding: finding.interval, spare=3),
        Column("at", lambda finding: f"{finding.at:%Y-%m-%d %H:%M}Z" if finding.at else None),
        Column("kind", lambda finding: finding.kind),
        Column("rule", lambda finding: finding.rule, spare=1),
        Column("state", lambda finding: finding.state),
        Column("age", lambda finding: finding.created_at, spare=2),
        Column("provider", lambda finding: finding.provider, is_wide=True),
        Column("job", lambda finding: finding.job, is_wide=True),
        Column("reason", lambda finding: finding.reason, is_wide=True),
        Column("decided", lambda finding: finding.decided_at, is_wide=True),
        Column("by", lambda finding: finding.decided_by, is_wide=True),
        Column("full id", lambda finding: str(finding.id), is_wide=True),
    ),
    document=_document,
)


@dataclass(frozen=True)
class Meant:
    """Which findings are meant: those with these ids, or those that are described, of a job if one is named."""

    names: tuple[str, ...]
    wanted: FindingFilter
    job: str | None


def listed_of(
    now: datetime,
    *,
    symbol: OfSymbol = None,
    kind: OfKinds = None,
    state: OfStates = None,
    rule: OfRule = None,
    provider: OfProvider = None,
    job: OfJob = None,
    since: Since = None,
) -> Meant:
    """The findings that options describe. Raises InvalidInput."""
    wanted = FindingFilter(
        symbol=normalise(symbol, "--symbol") if symbol else None,
        kinds=words_of(words(kind), FindingKind, "--kind"),
        states=words_of(words(state), FindingState, "--state"),
        rule=known_rule(rule, "--rule") if rule else None,
        provider=provider,
        since=moment_of(since, "--since", now) if since else None,
    )
    return Meant((), wanted, job)


def meant_of(
    now: datetime,
    *,
    names: Names = None,
    symbol: OfSymbol = None,
    kind: OfKinds = None,
    rule: OfRule = None,
    provider: OfProvider = None,
    job: OfJob = None,
    since: Since = None,
    everything: All = False,
) -> Meant:
    """The findings that are to be decided. Raises InvalidInput where it is not said in one way which are meant."""
    found = listed_of(now, symbol=symbol, kind=kind, rule=rule, provider=provider, job=job, since=since)
    is_described = not found.wanted.is_empty or job is not None
    if names and (is_described or everything):
        raise InvalidInput.because("", "ids and options that describe others exclude each other", "give the ids alone")
    if not names and not is_described and not everything:
        raise InvalidInput.because("", "nothing says which are meant", "give ids, options such as --symbol, or --all")
    return replace(found, names=tuple(name.removeprefix("finding/") for name in names or ()))


@taking(meant=listed_of)
def findings(
    ctx: typer.Context, output: Output = Format.TABLE, watch: Watch = False, *, meant: Meant, limit: Limit = 50
) -> None:
    """List the newest findings: what is or was wrong with data."""
    container = container_of(ctx)
    _check_provider(container.quarantine, meant)
    show(
        FINDINGS,
        lambda: container.quarantine.listed(meant.wanted, job=meant.job, limit=limit),
        output,
        container.reports.now,
        follow=watch,
    )


def describe(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="ID", help="Its id; the first 4 or more digits suffice.")],
    output: Annotated[DescribedAs, typer.Option("--output", "-o", help="How to write it.")] = DescribedAs.TEXT,
) -> None:
    """Show a finding: what is wrong, the evidence, and its bars. Those set aside stand beside those that are stored."""
    container = container_of(ctx)
    held = container.quarantine.get(text.removeprefix("finding/"))
    if output is DescribedAs.JSON:
        typer.echo(as_json(_whole(held)))
        return
    for line in _lines(held, container.reports.now(), container.settings.time_zone):
        typer.echo(line)


@taking(meant=meant_of)
def release(ctx: typer.Context, meant: Meant, *, replace: Replace = False) -> None:
    """Decide that bars which were set aside are good. They are stored now, and not set aside again.

    Findings are named by their ids, or the options describe open ones. A stored bar that passes the checks gives way only with
    --replace. The exit code is 8 if some of them could not be released, 5 if none.
    """
    quarantine, by = container_of(ctx).quarantine, submitter()
    if meant.names:
        done = quarantine.release(meant.names, by=by, replace=replace)
    else:
        done = _total(quarantine.release_matching(meant.wanted, job=meant.job, by=by, replace=replace))
        _tell_if_none(quarantine, meant, done)
    typer.echo(f"{counted(done.findings, 'finding')} released, {counted(done.written, 'bar')} written")
    if done.passed_over:
        _tell_passed_over(done)
        raise typer.Exit(ExitCode.PARTIAL if done.findings else ExitCode.CONFLICT)


@taking(meant=meant_of)
def reject(ctx: typer.Context, meant: Meant) -> None:
    """Decide that bars set aside are bad, or a finding done with. Nobody is asked about it again.

    Findings are named by their ids, or the options describe open ones.
    """
    quarantine, by = container_of(ctx).quarantine, submitter()
    if meant.names:
        done = quarantine.reject(meant.names, by=by)
    else:
        done = _total(quarantine.reject_matching(meant.wanted, job=meant.job, by=by))
        _tell_if_none(quarantine, meant, done)
    typer.echo(f"{counted(done.findings, 'finding')} rejected")


def _tell_passed_over(done: Decided) -> None:
    left = f"{counted(done.passed_over, 'finding')} cannot be released so"
    if done.passed_over == 1:
        typer.echo(f"stockctl: {left}: {done.reasons[0]}", err=True)
    else:
        typer.echo(f"stockctl: {left}, such as: {done.reasons[0]} (`stockctl release ID` says of each why)", err=True)


def _tell_if_none(quarantine: Quarantine, meant: Meant, done: Decided) -> None:
    """Say of which states those are that were meant, where none of them is open."""
    if done.findings or done.passed_over:
        return
    _check_provider(quarantine, meant)
    others = Counter(one.state for one in quarantine.listed(meant.wanted, job=meant.job, limit=_COUNTED))
    more = " or more" if sum(others.values()) == _COUNTED else ""
    said = ", ".join(f"{count}{more} {state}" for state, count in sorted(others.items()))
    hint = ": one that is rejected is released by its id" if FindingState.REJECTED in others else ""
    typer.echo(f"stockctl: none of those that are meant is open ({said or 'there is none'}){hint}", err=True)


def _check_provider(quarantine: Quarantine, meant: Meant) -> None:
    """Refuse a provider that there is none of; of one that is not installed any more there may be findings."""
    provider = meant.wanted.provider
    if provider is not None and not quarantine.listed(FindingFilter(provider=provider), limit=1):
        registry.check_name(provider, "--provider")


def _total(batches: Iterable[Decided]) -> Decided:
    return sum(batches, start=Decided())


def _whole(held: Held) -> dict[str, Any]:
    """A finding with its bars as a document; `told` are those set aside in the shares of now."""
    bars = {name: _listed(bars) for name, bars in (("aside", held.aside), ("told", held.told), ("stored", held.stored))}
    return {**_document(held.finding), "toDo": remedy_of(held.finding) or None, "bars": bars}


def _listed(bars: Bars) -> list[dict[str, Any]]:
    prices = {name: getattr(bars, name).tolist() for name in PRICES}
    return [
        {
            "at": datetime.fromtimestamp(at, UTC),
            **{name: values[place] if values[place] == values[place] else None for name, values in prices.items()},
            "volume": None if volume == NO_VOLUME else volume,
        }
        for place, (at, volume) in enumerate(zip(bars.at.tolist(), bars.volume.tolist(), strict=True))
    ]


def _lines(held: Held, now: datetime, zone: str) -> Iterator[str]:
    found, aside = held.finding, held.aside
    pairs = [
        ("Id", str(found.id)),
        ("Symbol", f"{found.symbol} {found.interval}" if found.interval else found.symbol),
        ("About", moment(found.at, zone) if found.at else "-"),
        ("Kind", f"{found.kind}, rule {found.rule}" if found.rule else found.kind),
        ("Reason", found.reason),
        ("State", found.state),
        ("Found", f"{moment(found.created_at, zone)} ({age(found.created_at, now)} ago)"),
    ]
    if found.provider:
        pairs.append(("Provider", found.provider))
    if found.job:
        pairs.append(("Job", found.job))
    if found.decided_at:
        pairs.append(("Decided", f"{moment(found.decided_at, zone)} by {found.decided_by}"))
    # The bars have the prices.
    evidence = [
        f"{name} {value}" for name, value in found.evidence.items() if not len(aside) or not hasattr(aside, name)
    ]
    if evidence:
        pairs.append(("Evidence", "\n".join(evidence)))
    if remedy := remedy_of(found):
        pairs.append(("To do", remedy))
    yield from fields(pairs, most=tables.width())
    if len(aside):
        yield "Bars set aside:"
        titles = ("time", "", *PRICES, "volume")
        yield from (f"  {line}" for line in tables.lines(titles, list(_rows(held)), right=frozenset(range(2, 7))))


def _rows(held: Held) -> Iterator[list[str]]:
    """Each bar as it came, as it would be stored where that differs, and what is stored in its place."""
    is_told_anew = not np.array_equal(held.told.close, held.aside.close, equal_nan=True)
    for place, at in enumerate(held.aside.at.tolist()):
        yield _row(held.aside, place, "set aside")
        if is_told_anew:
            yield _row(held.told, place, "in shares of now")
        for there in np.flatnonzero(held.stored.at == at).tolist():
            yield _row(held.stored, there, "stored")


def _row(bars: Bars, place: int, what: str) -> list[str]:
    prices = [float(getattr(bars, name)[place]) for name in PRICES]
    volume = int(bars.volume[place])
    return [
        f"{datetime.fromtimestamp(int(bars.at[place]), UTC):%Y-%m-%d %H:%M}Z",
        what,
        *(price(value) if value == value else "-" for value in prices),
        "-" if volume == NO_VOLUME else f"{volume:,}",
    ]
