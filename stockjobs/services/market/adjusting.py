"""Adjusting: the factors by which stored prices are multiplied for what was paid out since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.days import first_bar
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Eve, Factors, Paid, newer_of
from stockjobs.domain.market.reading import factors as factors_of
from stockjobs.domain.market.splits import Split, splits_in
from stockjobs.store.columns import Snapshot
from stockjobs.store.market import reading
from stockjobs.store.market.reading import Before, Dialect, Selection

_AT_ONCE = 2_000


@dataclass(frozen=True)
class Adjusting:
    """Reads what was paid out to the holders of a selection's instruments, whose zones date it."""

    snapshot: Snapshot
    dialect: Dialect
    zones: Mapping[int, ZoneInfo]

    def factors(self, selection: Selection) -> dict[int, Factors]:
        """The factors of the instruments to whose holders something was paid."""
        paid = [
            (row["instrument_id"], _when(row["at"]), row["amount"])
            for row in self._rows(reading.payouts_of(selection, self.dialect))
        ]
        eves = self._eves(selection, [(instrument, at) for instrument, at, _ in paid])
        splits = self._splits(selection) if paid else {}
        found: dict[int, list[Paid]] = {}
        for instrument, at, amount in paid:
            found.setdefault(instrument, []).append(Paid(at, amount, eves.get((instrument, at))))
        return {
            instrument: factors_of(
                [one.payout(splits.get(instrument, ()), self.zones[instrument]) for one in those],
                selection.interval,
                self.zones[instrument],
            )
            for instrument, those in found.items()
        }

    def _eves(self, selection: Selection, paid: Sequence[tuple[int, datetime]]) -> dict[tuple[int, datetime], Eve]:
        """The closes before what was paid to the holders of instruments at times; without those of which there is none."""
        found = {}
        for first in range(0, len(paid), _AT_ONCE):
            wanted = [self._before(instrument, at, selection) for instrument, at in paid[first : first + _AT_ONCE]]
            for row in self._rows(reading.closes_before(selection, self.dialect, wanted)):
                eve = _eve(row, selection.interval, self.zones[row["instrument_id"]])
                if eve is not None:
                    found[row["instrument_id"], datetime.fromtimestamp(row["at"], UTC)] = eve
        return found

    def _before(self, instrument: int, at: datetime, selection: Selection) -> Before:
        day, own = (first_bar(at, one, self.zones[instrument]) for one in (Interval.D1, selection.interval))
        return Before(instrument, int(at.timestamp()), day, own)

    def _splits(self, selection: Selection) -> dict[int, tuple[Split, ...]]:
        told: dict[int, list[CorporateAction]] = {}
        for row in self._rows(reading.splits_of(selection)):
            one = CorporateAction("split", _when(row["at"]), row["ratio"])
            told.setdefault(row["instrument_id"], []).append(one)
        return {instrument: splits_in(those) for instrument, those in told.items()}

    def _rows(self, asked: str) -> Iterator[dict[str, Any]]:
        return (row for batch in self.snapshot.batches(asked) for row in batch.to_pylist())


def _eve(row: Mapping[str, Any], interval: Interval, zone: ZoneInfo) -> Eve | None:
    """The close before a payout: of the last daily bar, or of the last one of the interval where that is newer."""
    closes = (row["close"], row["close_at"], Interval.D1), (row["own_close"], row["own_at"], interval)
    daily, own = (None if close is None else Eve(close, _when(at), of) for close, at, of in closes)
    return newer_of(daily, own, zone)


def _when(at: datetime | int) -> datetime:
    """A time as PostgreSQL gives it, or the epoch seconds of SQLite."""
    return at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
