"""The options that say which are meant, the same for every verb that takes them; here those of occurrences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from stockjobs.cli.values import day_or_instant, words
from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.periods import iso, parse_period
from stockjobs.domain.work.filters import Filter
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import ENDED, OPEN, State
from stockjobs.errors import InvalidInput

_TASKS_AND_OCCURRENCES = (*OPEN, *ENDED)

OfJob = Annotated[str | None, typer.Option("--job", metavar="JOB", help="Only those of this job.")]
OfStates = Annotated[
    list[str] | None,
    typer.Option("--state", metavar="STATE", help="Only those in this state; may be repeated, or with commas."),
]
OfLane = Annotated[Lane | None, typer.Option("--lane", help="Only those that ran, or wait, in this lane.")]
OfTag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Only those of jobs with this tag.")]
OfLabel = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="KEY=VALUE", help="Only those of jobs with this label; may be repeated."),
]
OfSubmitter = Annotated[
    str | None, typer.Option("--submitter", metavar="NAME", help="Only those that this one asked for.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="Only those made since then: 7d, P1M, 2026-01-31 or an instant."),
]
Before = Annotated[
    str | None, typer.Option("--before", metavar="WHEN", help="Only those made before then, said as for --since.")
]


def filter_of(
    now: datetime,
    *,
    job: OfJob = None,
    state: OfStates = None,
    lane: OfLane = None,
    tag: OfTag = None,
    label: OfLabel = None,
    submitter: OfSubmitter = None,
    since: Since = None,
    before: Before = None,
) -> Filter:
    """The filter that options describe. Raises InvalidInput."""
    found = Filter(
        job=job.removeprefix("job/") if job else None,
        states=states_of(state),
        lane=lane,
        tag=tag,
        labels=dict(_label(text) for text in label or ()),
        submitter=submitter,
        since=moment_of(since, "--since", now) if since else None,
        before=moment_of(before, "--before", now) if before else None,
    )
    if found.since and found.before and found.since >= found.before:
        raise InvalidInput.because("--before", f"{excerpt(str(before))} is not after --since {excerpt(str(since))}")
    return found


def states_of(given: Sequence[str] | None) -> tuple[State, ...]:
    """States from words. Raises InvalidInput for a word that is none."""
    found = []
    for word in words(list(given or ())):
        if word not in _TASKS_AND_OCCURRENCES:
            raise InvalidInput.because(
                "--state", f"{excerpt(word)} is not a state", f"one of {', '.join(_TASKS_AND_OCCURRENCES)}"
            )
        found.append(State(word))
    return tuple(found)


def moment_of(text: str, where: str, now: datetime) -> datetime:
    """A moment in the past: so long ago (7d, 1h30m, P1M), a day, or an instant. Raises InvalidInput."""
    hint = "such as 7d, 1h30m, P1M, 2026-01-31 or 2026-01-31T15:30:00Z"
    if re.match(r"\d{4}-\d", text, re.ASCII):
        return day_or_instant(text, where)
    as_iso = iso(text)
    if not as_iso.startswith("P"):
        raise InvalidInput.because(where, f"{excerpt(text)} is not a moment", hint)
    return parse_period(as_iso, where).times(-1, now)


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise InvalidInput.because("--label", f"{excerpt(text)} is not a label", "such as set=ready")
    return key, value
