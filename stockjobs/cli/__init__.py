"""`stockctl`: defines jobs, asks for occurrences, and shows what the ledger holds, from a terminal or a script."""

from __future__ import annotations

from stockjobs.cli.root import main

__all__ = ["main"]
