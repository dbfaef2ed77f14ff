"""What was found wrong with data."""

from __future__ import annotations

from collections.abc import Sequence

from stockjobs.domain.market.findings import FindingFilter, FindingKind, FindingState, words_of
from stockjobs.domain.market.symbols import normalise
from stockjobs.domain.market.validation.rules import known_rule
from stockjobs.face import process
from stockjobs.face.values import When, instant
from stockjobs.store.market.quarantine import StoredFinding


def findings(
    symbol: str | None = None,
    *,
    kind: str | Sequence[str] = (),
    state: str | Sequence[str] = (),
    rule: str | None = None,
    provider: str | None = None,
    job: str | None = None,
    since: When | None = None,
    limit: int = 1_000,
) -> list[StoredFinding]:
    """What was found wrong with data, the newest first: bars that were set aside or noted, gaps, restatements.

    `kind` and `state` are words as `stockctl get findings` shows them, or several. Raises NotFound for an unknown job.
    """
    wanted = FindingFilter(
        symbol=normalise(symbol) if symbol else None,
        kinds=words_of([kind] if isinstance(kind, str) else kind, FindingKind, "kind"),
        states=words_of([state] if isinstance(state, str) else state, FindingState, "state"),
        rule=known_rule(rule, "rule") if rule else None,
        provider=provider,
        since=instant(since, "since"),
    )
    return list(process.container().quarantine.listed(wanted, job=job, limit=limit))
