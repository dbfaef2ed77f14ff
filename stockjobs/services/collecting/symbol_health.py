"""What an attempt learns of its symbols: who is not known any more, and who is back."""

from __future__ import annotations

from datetime import datetime

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.symbol_health import (
    Health,
    Standing,
    after_answer,
    after_unknown,
    is_trusted,
)
from stockjobs.errors import SymbolUnknown
from stockjobs.services.collecting.fetching import Fetched
from stockjobs.store.database import Connection
from stockjobs.store.ledger import events
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import findings, health, instruments
from stockjobs.store.market.findings import Finding

_TOLD_AS = {
    Health.SUSPECT: EventName.SYMBOL_SUSPECT,
    Health.DEAD: EventName.SYMBOL_DEAD,
    Health.ACTIVE: EventName.SYMBOL_ACTIVE,
}
_BY = "stockjobs"


def learn(connection: Connection, claim: Claim, fetched: Fetched, now: datetime) -> None:
    """Write down who was unknown and who is back, in the attempt's transaction."""
    errors = {symbol: str(one) for symbol, one in fetched.errors.items() if isinstance(one, SymbolUnknown)}
    unknown = _by_name(connection, claim, errors) if errors else {}
    answers = (one for answers in fetched.bars.values() for one in answers)
    answered = sorted({one.request.symbol for one in answers if one.reply.identity})
    if not unknown and not answered:
        return
    provider = claim.spec.provider
    before = health.of(connection, provider, (*unknown, *answered), locked=True)
    after = {symbol: after_answer(before[symbol]) for symbol in answered if symbol in before}
    counted = _counted(connection, claim, unknown, answered, now) if unknown else {}
    after |= {
        symbol: after_unknown(before.get(symbol, Standing()), now.date(), said) for symbol, said in counted.items()
    }
    changed = {symbol: one for symbol, one in after.items() if one != before.get(symbol)}
    health.write(connection, provider, changed, now)
    turned = {symbol: one for symbol, one in changed.items() if one.state is not _state(before.get(symbol))}
    _tell(connection, claim, turned, now)


def _by_name(connection: Connection, claim: Claim, errors: dict[str, str]) -> dict[str, str]:
    """The same errors by the symbols that were really asked for."""
    known = health.of(connection, claim.spec.provider, list(errors))
    names = {symbol: one.successor for symbol, one in known.items()}
    return {names.get(symbol) or symbol: said for symbol, said in errors.items()}


def _state(standing: Standing | None) -> Health:
    return standing.state if standing else Health.ACTIVE


def _counted(
    connection: Connection, claim: Claim, unknown: dict[str, str], answered: list[str], now: datetime
) -> dict[str, str]:
    """Those that count: a symbol that never had any data is a slip of the pen, and a provider out of order knows nobody."""
    provider = claim.spec.provider
    had_data = instruments.by_symbol(connection, provider, list(unknown))
    fine = bool(answered) or health.others_fine(connection, provider, claim.attempt_id, now)
    if not is_trusted(len(answered), len(unknown), others_fine=fine):
        return {}
    return {symbol: said for symbol, said in unknown.items() if symbol in had_data}


def _tell(connection: Connection, claim: Claim, turned: dict[str, Standing], now: datetime) -> None:
    if not turned:
        return
    found = [_finding(claim, symbol, one) for symbol, one in turned.items() if one.state is not Health.ACTIVE]
    findings.land(connection, found, now)
    back = [symbol for symbol, one in turned.items() if one.state is Health.ACTIVE]
    if back:
        health.mend_findings(connection, back, _BY, now)
    events.append(connection, *(_event(claim, symbol, one, now) for symbol, one in sorted(turned.items())))


def _finding(claim: Claim, symbol: str, standing: Standing) -> Finding:
    evidence = {
        "provider": claim.spec.provider,
        "state": standing.state.value,
        "unknown_days": standing.unknown_days,
        "since": str(standing.first_unknown_on),
    }
    return Finding(
        kind=FindingKind.SYMBOL,
        symbol=symbol,
        reason=f"{symbol} is {standing.state}: {standing.reason}",
        job_id=claim.job_id,
        attempt_id=claim.attempt_id,
        evidence=evidence,
    )


def _event(claim: Claim, symbol: str, standing: Standing, now: datetime) -> Event:
    data = {"job": claim.job, "provider": claim.spec.provider, "symbol": symbol}
    if standing.reason:
        data["reason"] = standing.reason
    return Event(
        _TOLD_AS[standing.state], now, claim.job_id, claim.occurrence_id, claim.task_id, claim.attempt_id, data
    )
