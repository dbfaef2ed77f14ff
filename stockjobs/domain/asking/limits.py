"""How much a provider serves of an interval: what planning has to respect when it cuts a window into requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Limits:
    """The longest window of one request, and how far back it may begin; None where there is no such limit."""

    max_span: timedelta | None = None
    reach_back: timedelta | None = None
