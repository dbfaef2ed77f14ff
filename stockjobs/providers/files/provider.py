"""The provider `files`: bars that somebody has bought, or recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest, CorporateAction, FactsReply, Identity
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.symbols import normalise
from stockjobs.errors import MalformedReply, SymbolUnknown
from stockjobs.providers.base import Patience
from stockjobs.providers.currencies import currency_of
from stockjobs.providers.files.beside import Record, read_actions, read_facts, record_of
from stockjobs.providers.files.folder import Folder, Place
from stockjobs.providers.files.names import parse_name
from stockjobs.providers.files.options import FilesOptions
from stockjobs.providers.files.plugin import limits
from stockjobs.providers.files.rows import Rows, rows_of
from stockjobs.providers.files.splits import as_of_today
from stockjobs.providers.files.tables import read_table
from stockjobs.providers.files.times import fits, fixed_zone
from stockjobs.providers.files.zones import exchange_and_zone

_KEPT = 64
_Key = tuple[Path, str, str]


@dataclass(frozen=True, eq=False)
class _Read:
    """A file as it was read: when it was changed last, and its rows."""

    stamp: tuple[int, int]
    rows: Rows


class FilesProvider:
    """Market data from a folder. It holds nothing open, so forks and threads may share it."""

    name = "files"

    def __init__(self, options: FilesOptions) -> None:
        self._options = options
        self._folder = Folder(options.root, options.interval)
        self._kept: dict[_Key, _Read] = {}

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        """The bars of a window. Raises a `ProviderError`, or `InvalidInput` for what is no symbol."""
        patience.remaining()
        symbol = normalise(request.symbol)
        record = self._record(symbol)
        place = self._place(symbol, request.interval, record)
        rows = self._rows(place, symbol, self._zone(symbol, record), patience)
        if place.is_shared and not len(rows.bars):
            raise SymbolUnknown(f"{place.path} holds no rows of {symbol}.")
        identity = self._identity(symbol, record, rows)
        bars, actions = rows.bars, (*rows.actions, *self._actions_beside(symbol, identity.zone))
        if self._options.prices == "as-traded":
            bars, actions = as_of_today(bars, actions, request.interval, ZoneInfo(identity.zone))
        return BarsReply(identity, _inside(bars, request, now), _within(actions, request))

    def facts(self, symbol: str, *, now: datetime, patience: Patience) -> FactsReply:  # noqa: ARG002 - files do not change by it
        """The figures in `SYMBOL.facts.csv`, none if there is no such file. Raises as `bars` does."""
        patience.remaining()
        checked = normalise(symbol)
        path = self._folder.beside(checked, "facts")
        record = self._record(checked)
        if path is None and not self._folder.knows(checked) and record is None:
            raise SymbolUnknown(f"There is no file for {checked} in {self._options.root}.")
        return FactsReply(checked, read_facts(path) if path else (), identity=self._company(checked, record))

    def limits(self, interval: Interval) -> Limits:
        """None: a file is read whole."""
        return limits(interval)

    def close(self) -> None:
        """Forget what was read."""
        self._kept.clear()

    def _place(self, symbol: str, interval: Interval, record: Record | None) -> Place:
        named = (record or {}).get("file")
        if named:
            path = self._folder.named(named)
            if (parse_name(path.stem).interval or self._options.interval) is interval:
                return Place(path)
        return self._folder.bars(symbol, interval)

    def _rows(self, place: Place, symbol: str, zone: ZoneInfo | None, patience: Patience) -> Rows:
        try:
            stat = place.path.stat()
        except OSError as error:
            raise MalformedReply(f"{place.path} cannot be read: {error.strerror}") from error
        key, stamp = (place.path, symbol, zone.key if zone else ""), (stat.st_mtime_ns, stat.st_size)
        kept = self._kept.get(key)
        if kept is None or kept.stamp != stamp:
            table = read_table(place.path, patience, symbol if place.is_shared else None)
            kept = _Read(stamp, rows_of(table, zone, place.path))
            self._keep(key, kept)
        return kept.rows

    def _keep(self, key: _Key, read: _Read) -> None:
        # Threads may do so at once: each step is whole by itself, and nothing worse comes of it than reading again.
        while len(self._kept) >= _KEPT:
            self._kept.pop(next(iter(list(self._kept))), None)
        self._kept[key] = read

    def _record(self, symbol: str) -> Record | None:
        path = self._folder.instruments
        return record_of(path, symbol) if path else None

    def _zone(self, symbol: str, record: Record | None) -> ZoneInfo | None:
        name = _text(record, "zone", "time zone", "timezone") or self._guess(symbol)
        try:
            return ZoneInfo(name) if name else None
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise MalformedReply(f"{self._folder.instruments}: {excerpt(name)} is no time zone.") from error

    def _guess(self, symbol: str) -> str:
        exchange, zone = exchange_and_zone(symbol)
        return zone if exchange else self._options.default_zone or zone

    def _identity(self, symbol: str, record: Record | None, rows: Rows) -> Identity:
        exchange, _ = exchange_and_zone(symbol)
        zone = self._zone(symbol, record)
        is_said = bool(_text(record, "zone", "time zone", "timezone"))
        if zone is None or not (is_said or fits(rows.times, zone)):
            # What the symbol seems to say is not what the times say.
            exchange, zone = "", ZoneInfo(fixed_zone(rows.offsets))
        currency, unit = currency_of(_text(record, "currency") or self._options.default_currency)
        return Identity(
            symbol=symbol,
            exchange=_text(record, "exchange") or exchange,
            zone=zone.key,
            currency=currency,
            kind=_text(record, "kind", "type"),
            name=_text(record, "name"),
            unit=self._unit(record, unit),
        )

    def _company(self, symbol: str, record: Record | None) -> Identity | None:
        """Of whom figures are, as far as that tells one company from another; the rest is for bars to say."""
        currency, unit = currency_of(_text(record, "currency") or self._options.default_currency)
        return Identity(symbol, "", "", currency, "", unit=self._unit(record, unit)) if currency else None

    def _unit(self, record: Record | None, of_currency: float) -> float:
        text = _text(record, "unit")
        try:
            unit = float(text) if text else of_currency
        except ValueError:
            unit = 0.0
        if not 0 < unit < float("inf"):
            raise MalformedReply(f"{self._folder.instruments}: the unit {excerpt(text)} is no number such as 0.01.")
        return unit

    def _actions_beside(self, symbol: str, zone: str) -> tuple[CorporateAction, ...]:
        path = self._folder.beside(symbol, "actions")
        return read_actions(path, ZoneInfo(zone)) if path else ()


def _text(record: Record | None, *names: str) -> str:
    return next((record[name] for name in names if record and record.get(name)), "")


def _inside(bars: Bars, request: BarsRequest, now: datetime) -> Bars:
    start, end = request.start.timestamp(), request.end.timestamp()
    inside = bars.where((bars.at >= start) & (bars.at < end))
    is_open = np.asarray(inside.at + request.interval.seconds > now.astimezone(UTC).timestamp())
    return replace(inside, provisional=is_open)


def _within(actions: tuple[CorporateAction, ...], request: BarsRequest) -> tuple[CorporateAction, ...]:
    within = {(one.kind, one.at): one for one in actions if one.value and request.start <= one.at < request.end}
    return tuple(sorted(within.values(), key=lambda one: (one.at, one.kind)))
