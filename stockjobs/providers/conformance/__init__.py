"""What every provider has to do, as checks that any provider can be held to: `stockctl providers check`, or in tests of its own.

Each check asks a provider that it has opened itself, and says in a sentence what it found. See docs/adding-a-provider.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stockjobs.providers.conformance import manners, replies
from stockjobs.providers.conformance.questions import Broken, Check, Question

__all__ = ["CHECKS", "Broken", "Check", "Question", "Result", "results"]

CHECKS = tuple(
    Check(str(look.__doc__).rstrip("."), look)
    for look in (
        replies.columns,
        replies.window,
        replies.empty_window,
        replies.order,
        replies.future,
        replies.actions,
        replies.identity,
        replies.repeatable,
        replies.unknown_symbol,
        replies.facts,
        manners.deadline,
        manners.cancelling,
        manners.gate,
        manners.limits,
        manners.intervals,
        manners.threads,
        manners.forks,
        manners.closing,
        manners.working_folder,
    )
)
"""Everything that a provider is held to."""


@dataclass(frozen=True)
class Result:
    """How a check ended; `problem` is empty if the provider does as it should."""

    check: Check
    problem: str = ""


def results(question: Question) -> Iterator[Result]:
    """Run all checks, one after the other."""
    for check in CHECKS:
        try:
            check.run(question)
        except Broken as error:
            yield Result(check, str(error))
        else:
            yield Result(check)
