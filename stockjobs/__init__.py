"""stockjobs collects market data into SQL.

    import stockjobs

    stockjobs.submit(["AAPL", "MSFT"]).wait(60)
    stockjobs.bars("AAPL", start="2026-01-01")

Importing this costs little: everything is loaded at the first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stockjobs.face.bars import bars
    from stockjobs.face.findings import findings
    from stockjobs.face.history import events, stats
    from stockjobs.face.work import Submitted, backfill, jobs, submit, trigger, wait

__all__ = ["Submitted", "backfill", "bars", "events", "findings", "jobs", "stats", "submit", "trigger", "wait"]

_NOUNS = {"bars": "bars", "findings": "findings", "events": "history", "stats": "history"}
"""In which module of `stockjobs.face` a name is; the others are about work."""


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"stockjobs.face.{_NOUNS.get(name, 'work')}"), name)
    raise AttributeError(f"module 'stockjobs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
