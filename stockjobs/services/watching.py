"""What is missing from an answer: times that the source served without prices, trading days that it left out."""

from __future__ import annotations

from datetime import datetime

from stockjobs.services.checking import Judged
from stockjobs.store.claims import Claim
from stockjobs.store.database import Connection
from stockjobs.store.findings import Finding


def watch(connection: Connection, claim: Claim, judged: Judged, now: datetime) -> tuple[Finding, ...]:  # noqa: ARG001 - see coverage
    """Write down what the source does not have, so that it is not asked for again each night; returns what to tell of it."""
    return ()
