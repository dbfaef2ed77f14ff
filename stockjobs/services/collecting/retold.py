"""What is to be said of a series that was told anew: its findings, and the event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.splits import Split
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.restatements import ASKED_AGAIN


@dataclass(frozen=True)
class Deed:
    """By which ratio so many bars, from a first to a last, were told anew, and the split that explains it.

    It `is_seen` where the source was seen to tell bars so: else only a split says that it will. `alike` is a known split of the
    ratio that does not explain it, as bars from its day on were told anew too.
    """

    ratio: float
    split: Split | None
    bars: int
    first: datetime
    last: datetime
    is_seen: bool = True
    alike: Split | None = None


def restatement(step: Step, series: Series, deed: Deed) -> Finding:
    """The finding that a series was told anew."""
    reason = _unexplained(deed) if deed.split is None else _of_split(deed.split)
    evidence = {
        "ratio": deed.ratio,
        "bars": deed.bars,
        "from": deed.first.isoformat(),
        "to": deed.last.isoformat(),
        "landing": step.landing(),
        "seen": deed.is_seen,
    }
    return noted(step, series, FindingKind.RESTATEMENT, reason, at=deed.first, evidence=evidence)


def _unexplained(deed: Deed) -> str:
    told = (
        f"the source tells all earlier prices {1 / deed.ratio:.6g} times as they were, and no known split explains it"
    )
    if deed.alike is None:
        return f"{told}: a split told later is matched with it"
    return (
        f"{told} alone: {_of_split(deed.alike)} leaves bars from that day on as they are, and those came otherwise too"
    )


def _of_split(split: Split) -> str:
    return f"a split of {split.ratio:g} new shares for an old one on {instant(split.at):%Y-%m-%d}"


def unclear_shares(step: Step, series: Series, split: Split, first: datetime) -> Finding:
    """The finding that nothing tells whether bars, of which this is the first, are in the shares from before a split."""
    day = f"{instant(split.at):%Y-%m-%d}"
    return _unclear(
        step, series, f"have the split of {split.ratio:g} on {day}", first, {"ratio": split.ratio, "split": day}
    )


def unclear_ratio(step: Step, series: Series, ratio: float, first: datetime) -> Finding:
    """The same of a ratio by which history was told anew and which no known split explains."""
    return _unclear(step, series, f"are off by {ratio:g}, as earlier ones were", first, {"ratio": ratio})


def unclear_before(step: Step, series: Series, ratio: float, first: datetime) -> Finding:
    """The same of bars before some that were revised by a ratio, and that went on from these until then."""
    return _unclear(step, series, f"are off by {ratio:.4g}, as those after them were", first, {"ratio": ratio})


def _unclear(step: Step, series: Series, what: str, first: datetime, evidence: Mapping[str, object]) -> Finding:
    reason = f"nothing tells yet whether bars {what}: {ASKED_AGAIN}"
    found = noted(step, series, FindingKind.UNCLEAR_SHARES, reason, at=first, evidence=evidence)
    return replace(found, state=FindingState.OPEN)


def noted(
    step: Step, series: Series, kind: FindingKind, reason: str, *, at: datetime, evidence: Mapping[str, object]
) -> Finding:
    """Something about a series that is only to be known."""
    return Finding(
        kind=kind,
        symbol=series.instrument.symbol,
        reason=reason,
        instrument_id=series.instrument.id,
        interval=series.interval,
        at=at,
        job_id=step.claim.job_id,
        attempt_id=step.claim.attempt_id,
        evidence=dict(evidence),
        state=FindingState.NOTED,
    )


def told_of(step: Step, finding: Finding) -> Event:
    """The event that tells of a restatement."""
    claim = step.claim
    interval = finding.interval.value if finding.interval else None
    data = {
        "job": claim.job,
        "symbol": finding.symbol,
        "interval": interval,
        "reason": finding.reason,
        **finding.evidence,
    }
    return Event(EventName.RESTATED, step.now, claim.job_id, claim.occurrence_id, claim.task_id, claim.attempt_id, data)


def instant(seconds: int) -> datetime:
    """Epoch seconds as a time."""
    return datetime.fromtimestamp(seconds, UTC)
