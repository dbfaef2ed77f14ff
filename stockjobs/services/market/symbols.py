"""Symbols as names of instruments: which there are and were, renaming, and giving a dead one another chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.symbol_health import Health, Standing, renamed
from stockjobs.domain.market.symbols import normalise
from stockjobs.errors import Conflict, InvalidInput, NotFound
from stockjobs.services.market.redenominating import (
    Redenominated,
    Redenomination,
    named,
    redenominate,
    refuse_if_taken,
)
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, events
from stockjobs.store.ledger.definitions import Job
from stockjobs.store.market import health, instruments
from stockjobs.store.market.instruments import Name


@dataclass(frozen=True)
class SymbolReport:
    """A name that an instrument bears or bore at a provider, and what is thought of it."""

    name: Name
    standing: Standing


@dataclass(frozen=True)
class Renaming:
    """An instrument's other symbol from a moment on: `old` is `new` there."""

    provider: str
    old: str
    new: str
    at: datetime | None = None


class Symbols:
    """Tells of symbols, and changes what they name, for people and programs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self, symbols: Sequence[str] = ()) -> list[SymbolReport]:
        """All names by their symbols, or those of the instruments that bear or bore some, each instrument's by time.

        Raises NotFound for a symbol that none bears or bore.
        """
        wanted = [normalise(symbol) for symbol in symbols]
        with self._database.read() as connection:
            found = instruments.names(connection, wanted)
            standings = health.every(connection)
        missing = [symbol for symbol in wanted if symbol not in {name.symbol for name in found}]
        if missing:
            raise NotFound(f"nothing is stored for {missing[0]!r}: `stockctl symbols` lists what is")
        if not wanted:
            found.sort(key=lambda name: (name.symbol, name.provider, name.valid_from))
        return [SymbolReport(name, standings.get((name.provider, name.symbol), Standing())) for name in found]

    @taken_twice_if_busy
    def rename(self, wish: Renaming, *, by: str) -> Sequence[Job]:
        """Let an instrument bear another symbol from a moment on, now if none is given. Its data and its id stay.

        Returns the jobs that still name the old one: it is asked for by the new one there. Raises NotFound, Conflict where
        the new one names something else, InvalidInput for a moment that cannot be.
        """
        old, new = normalise(wish.old, "OLD"), normalise(wish.new, "NEW")
        with self._database.begin() as connection:
            now = self._database.now(connection)
            instrument = named(connection, wish.provider, old)
            at = _moment(connection, wish, old, now)
            _refuse_if_taken(connection, wish.provider, old, new)
            instruments.unname(connection, wish.provider, old, at)
            if not instruments.entitle(connection, wish.provider, new, instrument.id, at):
                raise Conflict(f"{new} was given to an instrument at this moment: `stockctl symbols {new}` shows which")
            health.follow(connection, wish.provider, old, new)
            health.write(connection, wish.provider, {old: renamed(new, at), new: Standing()}, now)
            health.mend_findings(connection, [old], by, now)
            data = {"provider": wish.provider, "symbol": old, "successor": new, "instrument": instrument.id, "by": by}
            events.append(connection, Event(EventName.SYMBOL_RENAMED, now, data=data))
            every = definitions.every(connection)
        return [job for job in every if job.spec.provider == wish.provider and old in job.spec.symbols]

    @taken_twice_if_busy
    def redenominate(self, wish: Redenomination, *, by: str) -> Redenominated:
        """Accept the other currency or unit in which a source tells of a symbol, for good.

        Of another unit, all that is stored is converted. Of another currency, the symbol names a new instrument from now on, or
        again the one that it named before in that currency; what is stored stays with the former one. Raises NotFound, Conflict
        where no finding tells of it, InvalidInput.
        """
        with self._database.begin() as connection:
            return redenominate(connection, wish, by, self._database.now(connection))

    @taken_twice_if_busy
    def revive(self, provider: str, symbol: str, *, by: str) -> bool:
        """Ask for a suspect or dead symbol as ever again. False if nothing spoke against it. Raises NotFound, Conflict."""
        wanted = normalise(symbol)
        with self._database.begin() as connection:
            now = self._database.now(connection)
            standing = health.of(connection, provider, [wanted], locked=True).get(wanted)
            if standing is None:
                named(connection, provider, wanted)
                return False
            if standing.state is Health.RENAMED:
                raise Conflict(f"{wanted} is {standing.reason}: `stockctl symbols rename` is the way back")
            if standing.is_clean:
                return False
            health.write(connection, provider, {wanted: Standing()}, now)
            health.mend_findings(connection, [wanted], by, now)
            data = {"provider": provider, "symbol": wanted, "by": by}
            events.append(connection, Event(EventName.SYMBOL_ACTIVE, now, data=data))
        return True


def _moment(connection: Connection, wish: Renaming, old: str, now: datetime) -> datetime:
    at = wish.at or now
    since = max(name.valid_from for name in instruments.names(connection, [old]) if name.valid_to is None)
    if since < at <= now or (wish.at is None and since <= now):
        return at
    hint = f"{old} is known since {since:%Y-%m-%d %H:%M} UTC; leave --at away if the day does not matter"
    raise InvalidInput.because("--at", "is before the old symbol is known, or in the future", hint)


def _refuse_if_taken(connection: Connection, provider: str, old: str, new: str) -> None:
    if old == new:
        raise InvalidInput.because("NEW", f"is {old} as before", "name the symbol under which it trades now")
    refuse_if_taken(connection, provider, new)
