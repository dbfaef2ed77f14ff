"""Redenominating: what a source tells in another currency or unit for good is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.bars import Identity
from stockjobs.domain.market.identity import Another, compare
from stockjobs.domain.market.money import money
from stockjobs.domain.market.symbols import normalise
from stockjobs.errors import Busy, Conflict, InvalidInput, NotFound
from stockjobs.providers.currencies import currency_of
from stockjobs.store.database import Connection
from stockjobs.store.ledger import events
from stockjobs.store.market import bars, elsewhere, findings, former, instruments, units
from stockjobs.store.market.instruments import Instrument, Name


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
    """From what to what it was: so many bars were converted, and the symbol names another instrument than `former` now, unless
    that is None. With `is_return` that one has borne it before.
    """

    was: str
    now: str
    bars: int = 0
    former: int | None = None
    is_return: bool = False


def redenominate(connection: Connection, wish: Redenomination, by: str, now: datetime) -> Redenominated:
    """Go on in the currency and unit that the source tells. Raises NotFound, Conflict, InvalidInput, Busy."""
    symbol = normalise(wish.symbol)
    known = _locked(connection, wish.provider, symbol)
    currency, unit = _told(connection, known, wish.currency)
    was, becomes = money(known.currency, known.unit), money(currency, unit)
    if currency == known.currency:
        _refuse_name(wish, known)
        done = Redenominated(was, becomes, bars=_converted(connection, known, unit))
        name, about = EventName.INSTRUMENT_CHANGED, {"instrument": known.id}
    else:
        identity = replace(known.identity, currency=currency, unit=unit)
        successor, is_return = _succeeded(connection, wish, known, identity, now)
        count = _converted(connection, successor, unit) if successor.unit != unit else 0
        done = Redenominated(was, becomes, count, known.id, is_return)
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
        [one] = elsewhere.elsewhere(connection, provider, [symbol])
        why = f"; {one.hint}" if one.others else ": `stockctl symbols` lists what does"
        raise NotFound(f"{symbol!r} names nothing at {provider}{why}")
    return found


def refuse_if_taken(connection: Connection, provider: str, symbol: str) -> None:
    """Raise Conflict if a symbol names an instrument."""
    bearer = instruments.by_symbol(connection, provider, [symbol]).get(symbol)
    if bearer is not None:
        what = f"{symbol} names instrument {bearer.id} already ({bearer.name or bearer.exchange or 'without a name'})"
        raise Conflict(f"{what}: what is stored under two instruments cannot be made one")


def _locked(connection: Connection, provider: str, symbol: str) -> Instrument:
    """The instrument that bears a symbol, under the locks of all whose place it took. Raises NotFound, Busy."""
    named(connection, provider, symbol)
    bearers = [one.instrument.id for one in _lineage(connection, provider, symbol)]
    bars.lock(connection, bearers)
    # Once more: whoever had them until now may have been about the same.
    known = named(connection, provider, symbol)
    if known.id not in bearers:
        raise Busy(f"{symbol} was given to another instrument at this moment: try again")
    return known


def _lineage(connection: Connection, provider: str, symbol: str) -> list[Name]:
    """The names that led to whom a symbol names now, the last one first: each began at the moment at which the next one ended.

    Under one symbol another instrument took the place of the former one; where the symbol changes, the same one was renamed.
    Before a time in which a symbol named nobody, it named something else.
    """
    found: list[Name] = []
    known = _names(connection, provider, symbol)
    last = next((one for one in known if one.symbol == symbol and one.valid_to is None), None)
    while last is not None:
        found.append(last)
        before = _before(last, known)
        if before is not None and before.symbol != last.symbol:
            known = _names(connection, provider, before.symbol)
        last = before
    return found


def _names(connection: Connection, provider: str, symbol: str) -> list[Name]:
    return [one for one in instruments.names(connection, [symbol]) if one.provider == provider]


def _before(last: Name, known: Sequence[Name]) -> Name | None:
    """The name in whose place another one came: whom the symbol named until then, or else what the instrument was called."""
    ended = [one for one in known if one.valid_to == last.valid_from > one.valid_from]
    by_symbol = (one for one in ended if one.symbol == last.symbol)
    by_instrument = (one for one in ended if one.instrument.id == last.instrument.id)
    return next(by_symbol, next(by_instrument, None))


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


def _refuse_name(wish: Redenomination, known: Instrument) -> None:
    if wish.former_as:
        raise InvalidInput.because(
            "--former-as", f"{known.symbol} stays one series, as only its unit is another", "leave it away"
        )


def _converted(connection: Connection, known: Instrument, unit: float) -> int:
    instruments.describe(connection, known, {"unit": unit})
    return units.convert(connection, known.id, known.unit / unit)


def _succeeded(
    connection: Connection, wish: Redenomination, known: Instrument, identity: Identity, now: datetime
) -> tuple[Instrument, bool]:
    """The instrument that goes on as this identity tells, and whether it has borne the symbol before."""
    former_as = normalise(wish.former_as, "--former-as") if wish.former_as else None
    earlier = _earlier(connection, wish.provider, known, identity.currency)
    if former_as:
        refuse_if_taken(connection, wish.provider, former_as)
    if earlier:
        successor = instruments.hand_over(connection, wish.provider, known, earlier.id, now)
    else:
        successor = instruments.redenominate(connection, wish.provider, known, identity, now)
    if former_as and not instruments.entitle(connection, wish.provider, former_as, known.id, now):
        raise Conflict(
            f"{former_as} was given to an instrument at this moment: `stockctl symbols {former_as}` shows which"
        )
    return successor, earlier is not None


def _earlier(connection: Connection, provider: str, known: Instrument, currency: str) -> Instrument | None:
    """Whose place an instrument took that is the same thing that trades, in another currency."""
    bearers = (one.instrument for one in _lineage(connection, provider, known.symbol))
    return next(
        (one for one in bearers if one.currency == currency and not _is_another(connection, one, known)),
        None,
    )


def _is_another(connection: Connection, earlier: Instrument, known: Instrument) -> bool:
    newest = instruments.newest_bar(connection, earlier.id)
    return isinstance(compare(earlier.identity, known.identity, newest), Another)
