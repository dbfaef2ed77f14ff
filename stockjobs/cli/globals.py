"""The options that stand before every verb."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Globals:
    """What was given before the verb; None where nothing was."""

    database_url: str | None = None
    redis_url: str | None = None
    verbose: bool = False
