"""The tables of the ledger and of the market data. Invariants are constraints here; `migrations/` brings a database to this.

State columns hold the words of `stockjobs.domain.work.states.State`. Queries compare them with literals, not with parameters,
where a partial index is meant to serve: neither SQLite nor a generic plan of PostgreSQL can see that a parameter implies it.
"""

from __future__ import annotations

from stockjobs.store.tables.base import metadata
from stockjobs.store.tables.ledger import (
    attempts,
    events,
    events_removed,
    job_dependencies,
    job_versions,
    jobs,
    occurrence_dependencies,
    occurrences,
    pauses,
    tasks,
    templates,
    workers,
)
from stockjobs.store.tables.market import (
    bar_versions,
    bars,
    corporate_actions,
    facts,
    fundamentals,
    instruments,
    landings,
    positions,
    profiles,
    symbols,
)
from stockjobs.store.tables.quality import (
    calendars,
    findings,
    freshness,
    gaps,
    quarantined_bars,
    sessions,
    symbol_health,
)

__all__ = [
    "attempts",
    "bar_versions",
    "bars",
    "calendars",
    "corporate_actions",
    "events",
    "events_removed",
    "facts",
    "findings",
    "freshness",
    "fundamentals",
    "gaps",
    "instruments",
    "job_dependencies",
    "job_versions",
    "jobs",
    "landings",
    "metadata",
    "occurrence_dependencies",
    "occurrences",
    "pauses",
    "positions",
    "profiles",
    "quarantined_bars",
    "sessions",
    "symbol_health",
    "symbols",
    "tasks",
    "templates",
    "workers",
]
