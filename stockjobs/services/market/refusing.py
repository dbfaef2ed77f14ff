"""Refusing: why a decision about a finding is not taken, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from stockjobs.domain.market.bars import NO_VOLUME, PRICES, Bars
from stockjobs.domain.market.findings import FindingKind, FindingState, may_become
from stockjobs.domain.market.reading import named_in_command
from stockjobs.services.market.releasing import Held
from stockjobs.store.market.quarantine import StoredFinding

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Decision:
    """What somebody decides about findings; with `replaces` also where good stored bars give way."""

    state: FindingState
    by: str
    replaces: bool = False

    @property
    def is_release(self) -> bool:
        """True if the bars are to be landed."""
        return self.state is FindingState.RELEASED


def refused(held: Held, decision: Decision, now: datetime) -> str:
    """Why a decision about a finding cannot be taken, and what can be done; nothing if it can."""
    found, name = held.finding, f"finding {str(held.finding.id)[:8]} of {held.finding.symbol}"
    if found.state not in may_become(decision.state):
        return f"{name} {_too_late(found, decision)}"
    if not decision.is_release:
        return ""
    if not len(held.aside):
        return f"{name} ({found.kind}) holds no bars that could be released: {remedy_of(found) or _DONE_WITH}"
    if not all(np.isfinite(getattr(held.aside, price)).all() for price in PRICES):
        return f"{name} holds a bar without a price, which cannot be stored: reject it"
    good = Bars.empty() if decision.replaces else held.replaced(now)
    return f"{name} {_would_replace(held, good)}" if len(good) else ""


_DONE_WITH = "reject it if it is done with"


def remedy_of(found: StoredFinding) -> str:
    """What people can do about an open finding of a kind that cannot be released; nothing where that is plain."""
    is_told = found.kind is FindingKind.IDENTITY and found.state is FindingState.OPEN
    if not is_told:
        return ""
    return _of_other_figures() if "facts" in found.evidence else _of_other_money(found)


def _of_other_figures() -> str:
    return (
        "no figures that came in another currency or unit were kept, nor are any more until they come in the one in which the "
        "prices are kept, which mends this finding. The currency of a symbol goes by its prices alone, so if they come in the "
        "other one too, a finding of a job that asks for bars says so. Reject it if it is not to be looked at again"
    )


def _of_other_money(found: StoredFinding) -> str:
    accepted = f"`stockctl symbols redenominate {found.symbol}{named_in_command(found.provider)}`"
    return (
        "nothing that came in another currency or unit was kept, nor is anything more until it comes in the one that is kept, "
        "which mends this finding. Compare with what the exchange says: if the source errs, wait; if the symbol trades in the "
        f"other one for good, {accepted} goes on in it: of another unit, what is stored is "
        "converted; of another currency, a new series begins under the symbol. Reject it if it is not to be looked at again"
    )


def _too_late(found: StoredFinding, decision: Decision) -> str:
    when = f"since {found.decided_at:%Y-%m-%d %H:%M} UTC, by {found.decided_by}" if found.decided_at else ""
    match found.state:
        case FindingState.RELEASED:
            done = f"is released {when}: what it held was stored then"
            return f"{done}. {_anew(found)}" if not decision.is_release else f"{done}, and there is nothing left to do"
        case FindingState.REJECTED:
            return (
                f"is rejected {when}: its bars stay aside already; `stockctl release {str(found.id)[:8]}` stores them"
            )
        case FindingState.MENDED:
            return f"is mended {when}: it was put right, and there is nothing left to decide. {_anew(found)}"
        case _:
            return "is noted, only to be known: what it is about is stored, and there is nothing to decide"


def _anew(found: StoredFinding) -> str:
    """How the source is asked once more for the bar of a finding."""
    if found.at is None or found.interval is None:
        return ""
    first = found.at - _DAY if found.interval.is_intraday else found.at
    window = f"--start {first:%Y-%m-%d} --end {found.at + max(_DAY, found.interval.length):%Y-%m-%d}"
    wanted = (
        f"--symbols {found.symbol} --interval {found.interval} {window} --refetch{named_in_command(found.provider)}"
    )
    asked = f"`stockctl backfill {wanted}`"
    return f"To have what the source tells of it now, {asked}"


def _would_replace(held: Held, good: Bars) -> str:
    others = f" (and {len(good) - 1} more)" if len(good) > 1 else ""
    at = datetime.fromtimestamp(int(good.at[0]), UTC)
    came = held.told.where(held.told.at == good.at[0])
    what = f"would replace the stored bar of {at:%Y-%m-%d %H:%M} UTC{others}, which passes the checks"
    leave = "Leave it rejected" if held.finding.state is FindingState.REJECTED else "Reject the finding"
    return (
        f"{what}: stored is {_shown(good)}; set aside was {_shown(came)}, as {held.finding.reason}. "
        f"{leave}, or release it with --replace (the stored bar is kept as a version)"
    )


def _shown(bars: Bars) -> str:
    prices = ", ".join(f"{name} {float(getattr(bars, name)[0]):g}" for name in PRICES)
    volume = int(bars.volume[0])
    return prices if volume == NO_VOLUME else f"{prices}, volume {volume:,}"
