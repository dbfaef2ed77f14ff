"""Knocks for the tests, whose ranks are small numbers."""

from __future__ import annotations

from uuid import uuid4

from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane


def knock(lane: Lane, number: int, rank: int, *, job: str = "DEMO") -> Knock:
    """A knock that stands at a place of its lane; `number` tells it from others."""
    return Knock(uuid4(), uuid4(), number, lane, f"{rank:036d}", job, "1d AAPL MSFT")


def realtime(*numbers: int) -> list[Knock]:
    """Realtime knocks; the greater the number the newer, the sooner served."""
    return [knock(Lane.REALTIME, number, number) for number in numbers]


def historical(*numbers: int) -> list[Knock]:
    """Historical knocks; the smaller the number the older, the sooner served."""
    return [knock(Lane.HISTORICAL, number, 10**9 - number) for number in numbers]
