"""What is done about what breaks a rule, and what a rule has to know."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Severity(StrEnum):
    """What is done about a bar, a split or a payment that breaks a rule."""

    HOLD = "hold"
    """It is set aside whole; a bar until somebody releases or rejects it."""
    NOTE = "note"
    """It is stored, and noted."""
    OFF = "off"
    """Nothing."""


class Needs(StrEnum):
    """What a rule has to know besides what it judges; without it, it is not applied."""

    NOTHING = ""
    SESSIONS = "sessions"
    NEIGHBOURS = "neighbours"
    """Other bars of the answer, or stored ones before it."""


Switches = Mapping[str, Severity]
"""What is done about what breaks rules, by their names, where that is not the default."""
