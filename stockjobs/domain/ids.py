"""Identities: UUIDv5 (RFC 9562, section 5.5) of stable context, so that any node computes the same id for the same thing."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

NAMESPACE = UUID("5b0cf3d6-6f0a-5c53-9a57-3f1d5a8d9f10")


def job_id(name: str) -> UUID:
    """The id of the job of this name."""
    return uuid5(NAMESPACE, f"job/{name}")


def scheduled_key(scheduled_for: datetime) -> str:
    """The key of the occurrence of a job that a schedule makes due at this instant."""
    return f"at/{scheduled_for.astimezone(UTC).isoformat(timespec='microseconds')}"


def requested_key(request: str) -> str:
    """The key of the occurrence of a job that somebody asked for; the same request key names the same occurrence."""
    return f"request/{request}"


def occurrence_id(job: UUID, key: str) -> UUID:
    """The id of the occurrence of a job with this key."""
    return uuid5(job, f"occurrence/{key}")


def task_id(occurrence: UUID, key: str) -> UUID:
    """The id of the task of an occurrence with this key."""
    return uuid5(occurrence, f"task/{key}")


def attempt_id(task: UUID, number: int) -> UUID:
    """The id of an attempt of a task; the first has number 1. It is the Celery task id too."""
    return uuid5(task, f"attempt/{number}")


def instrument_uid(
    provider: str, exchange: str, symbol: str, first_trade_at: datetime | None, denomination: str = ""
) -> UUID:
    """The permanent id of an instrument, from the name under which it was first seen.

    The day of its first trade is part of it, so that the next bearer of a re-used ticker gets an id of its own; and
    so is the currency of one that goes on in another one.
    """
    born = first_trade_at.astimezone(UTC).date().isoformat() if first_trade_at else ""
    own = f"/{denomination}" if denomination else ""
    return uuid5(NAMESPACE, f"instrument/{provider}/{exchange}/{symbol}/{born}{own}")


def finding_id(*evidence: object) -> UUID:
    """The id of a finding: the same evidence is the same finding, however often it is seen."""
    return uuid5(NAMESPACE, "finding/" + "/".join(str(part) for part in evidence))
