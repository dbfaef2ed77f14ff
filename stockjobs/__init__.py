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
    from stockjobs.face import Submitted, backfill, bars, events, findings, jobs, stats, submit, trigger, wait

__all__ = ["Submitted", "backfill", "bars", "events", "findings", "jobs", "stats", "submit", "trigger", "wait"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("stockjobs.face"), name)
    raise AttributeError(f"module 'stockjobs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
