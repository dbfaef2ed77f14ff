"""Redenominating: what a source tells in another currency or unit for good is accepted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.money import money
from stockjobs.domain.market.symbols import normalise
from stockjobs.errors import Conflict, InvalidInput, NotFound
from stockjobs.providers.currencies import currency_of
from stockjobs.store.database import Connection
from stockjobs.store.ledger import events
from stockjobs.store.market import bars, findings, former, instruments, units
from stockjobs.store.market.instruments import Instrument


@dataclass(frozen=True)
class Redenomination:
    """The symbol whose other currency or unit is accepted: the one that its source tells, or, if it tells several, `currency`.

    `former_as` is a name for what is stored until now, where another currency makes that the series of a former instrument.
    """

    provider: str
    symbol: str
    currency: str | None = None
    former_as: str | None = None


@dataclass(frozen=True)
class Redenominated:
    """From what to what it was: so many bars were converted, or the symbol names another instrument than `former` now."""

    was: str
    now: str
    bars: int = 0
    former: int | None = None


def redenominate(connection: Connection, wish: Redenomination, by: str, now: datetime) -> Redenominated:
    """Go on in the currency and unit that the source tells. Raises NotFound, Conflict, InvalidInput."""
    symbol = normalise(wish.symbol)
    bars.lock(connection, [named(connection, wish.provider, symbol).id])
    # Once more: whoever had the instrument until now may have been about the same.
    known = named(connection, wish.provider, symbol)
    currency, unit = _told(connection, known, wish.currency)
    was, becomes = money(known.currency, known.unit), money(currency, unit)
    if currency == known.currency:
        done = Redenominated(was, becomes, bars=_converted(connection, wish, known, unit))
        name, about = EventName.INSTRUMENT_CHANGED, {"instrument": known.id}
    else:
        done = Redenominated(was, becomes, former=known.id)
        successor = _succeeded(connection, wish, known, (currency, unit), now)
        name, about = EventName.SYMBOL_REASSIGNED, {"instrument": successor.id, "former": known.id}
    findings.mend_where(connection, *findings.about_identity(known.id), by=by, now=now)
    reason = f"its prices are in {becomes} now, and were in {was}"
    data = {"provider": wish.provider, "symbol": symbol, **about, "reason": reason, "by": by}
    events.append(connection, Event(name, now, data=data))
    return done


def named(connection: Connection, provider: str, symbol: str) -> Instrument:
    """The instrument that bears a symbol. Raises NotFound, which says what has become of a former name."""
    found = instruments.by_symbol(connection, provider, [symbol]).get(symbol)
    if found is None:
        then = former.formerly(connection, provider, [symbol]).get(symbol)
        if then is not None:
            raise NotFound(str(then))
        raise NotFound(f"{symbol!r} names nothing at {provider}: `stockctl symbols` lists what does")
    return found


def refuse_if_taken(connection: Connection, provider: str, symbol: str) -> None:
    """Raise Conflict if a symbol names an instrument."""
    bearer = instruments.by_symbol(connection, provider, [symbol]).get(symbol)
    if bearer is not None:
        what = f"{symbol} names instrument {bearer.id} already ({bearer.name or bearer.exchange or 'without a name'})"
        raise Conflict(f"{what}: what is stored under two instruments cannot be made one")


def _told(connection: Connection, known: Instrument, wanted: str | None) -> tuple[str, float]:
    """The currency and unit that the source tells by the findings about an instrument. Raises Conflict."""
    told = findings.told_currencies(connection, known.id) - {(known.currency, known.unit)}
    chosen = sorted(told & {currency_of(wanted)}) if wanted else sorted(told)
    if len(chosen) == 1:
        return chosen[0]
    said = " and ".join(money(*one) for one in sorted(told))
    kept = f"prices of {known.symbol} are kept in {money(known.currency, known.unit) or 'no currency'}"
    if not told:
        raise Conflict(
            f"{kept}, and no finding says that its source tells another currency or unit of its prices: "
            "let a job ask for its bars first"
        )
    if wanted:
        raise Conflict(
            f"{kept}, and its source tells {said}, not {wanted}: leave the currency away to accept what it tells"
        )
    raise Conflict(f"{kept}, and its source tells {said}: name the one that is right (EUR, GBP, GBp)")


def _converted(connection: Connection, wish: Redenomination, known: Instrument, unit: float) -> int:
    if wish.former_as:
        raise InvalidInput.because(
            "--former-as", f"{known.symbol} stays one series, as only its unit is another", "leave it away"
        )
    instruments.describe(connection, known, {"unit": unit})
    return units.convert(connection, known.id, known.unit / unit)


def _succeeded(
    connection: Connection, wish: Redenomination, known: Instrument, told: tuple[str, float], now: datetime
) -> Instrument:
    former_as = normalise(wish.former_as, "--former-as") if wish.former_as else None
    if former_as:
        refuse_if_taken(connection, wish.provider, former_as)
    currency, unit = told
    successor = instruments.redenominate(
        connection, wish.provider, known, replace(known.identity, currency=currency, unit=unit), now
    )
    if former_as and not instruments.entitle(connection, wish.provider, former_as, known.id, now):
        raise Conflict(
            f"{former_as} was given to an instrument at this moment: `stockctl symbols {former_as}` shows which"
        )
    return successor
