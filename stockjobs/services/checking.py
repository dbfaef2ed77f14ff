"""Checking what came: good bars go on, impossible ones are set aside whole as findings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from stockjobs.domain.bars import Bars
from stockjobs.domain.findings import FindingKind
from stockjobs.domain.intervals import Interval
from stockjobs.domain.validation import Checked, Rejected, validate
from stockjobs.services.fetching import Answer
from stockjobs.store.claims import Claim
from stockjobs.store.database import Connection
from stockjobs.store.findings import Finding
from stockjobs.store.instruments import Instrument


@dataclass(frozen=True)
class Judged:
    """An answer after its check: what was asked and came, the good bars and the rest, and what there is to say about it."""

    answer: Answer
    instrument: Instrument
    checked: Checked
    findings: tuple[Finding, ...] = ()

    @property
    def good(self) -> Bars:
        """The bars that may be landed, oldest first."""
        return self.checked.good


def judge(connection: Connection, claim: Claim, instrument: Instrument, answer: Answer, now: datetime) -> Judged:  # noqa: ARG001 - rules that ask the store come here
    """Check the bars of an answer."""
    checked = validate(answer.reply.bars, now)
    findings = tuple(_finding(claim, instrument, answer.request.interval, one) for one in checked.rejected)
    return Judged(answer, instrument, checked, findings)


def _finding(claim: Claim, instrument: Instrument, interval: Interval, rejected: Rejected) -> Finding:
    return Finding(
        kind=FindingKind.REJECTED_BAR,
        symbol=instrument.symbol,
        reason=rejected.reason,
        instrument_id=instrument.id,
        interval=interval,
        at=datetime.fromtimestamp(rejected.at, UTC),
        job_id=claim.job_id,
        attempt_id=claim.attempt_id,
        evidence=rejected.values,
    )
