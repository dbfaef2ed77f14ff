"""What trades in the simulator: some sixty well-known symbols, and SIM0001 to SIM9999 for load."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from stockjobs.markets.exchanges import Exchange, exchange
from stockjobs.simulator.noise import seed_of


@dataclass(frozen=True)
class Split:
    """`numerator` new shares for `denominator` old ones, from the session of `day` on."""

    day: date
    numerator: float
    denominator: float

    @property
    def ratio(self) -> float:
        """New shares per old share."""
        return self.numerator / self.denominator


@dataclass(frozen=True)
class Listing:
    """One symbol: where and in what it trades, where its price starts, and where it stood at the end of 2024.

    `first_price` and `late_price` are in today's shares. `payout` is the yearly dividend as a part of the price,
    `volatility` that of a day, `shares` the number outstanding (0 where there is none).
    """

    symbol: str
    name: str
    exchange: str
    currency: str
    kind: str
    first_day: date
    first_price: float
    late_price: float
    payout: float = 0.0
    volatility: float = 0.015
    shares: float = 0.0
    splits: tuple[Split, ...] = ()

    @property
    def venue(self) -> Exchange:
        """The exchange it trades on."""
        venue = exchange(self.exchange)
        if venue is None:
            raise KeyError(self.exchange)
        return venue

    @property
    def decimals(self) -> int:
        """The digits after the point in which it is quoted."""
        if self.currency == "JPY" and self.kind == "EQUITY":
            return 1
        return {"CURRENCY": 6, "CRYPTOCURRENCY": 4}.get(self.kind, 2 if self.late_price >= 1.0 else 4)

    @property
    def price_hint(self) -> int:
        """The digits that Yahoo shows."""
        return 4 if self.kind == "CURRENCY" else 2


def listing(symbol: str) -> Listing | None:
    """The listing of a symbol as Yahoo writes it, None for a symbol that nothing trades under."""
    return _KNOWN.get(symbol) or _generated(symbol)


def known_symbols() -> tuple[str, ...]:
    """The well-known symbols, without the generated family."""
    return tuple(_KNOWN)


_FAMILY = re.compile(r"SIM(\d{4})")


def _generated(symbol: str) -> Listing | None:
    match = _FAMILY.fullmatch(symbol)
    if match is None or match[1] == "0000":
        return None
    seed = seed_of("family", symbol)
    return Listing(
        symbol=symbol,
        name=f"Simulated {match[1]} Inc.",
        exchange="NYQ",
        currency="USD",
        kind="EQUITY",
        first_day=date(2010, 1, 4),
        first_price=5.0 + seed % 9_000 / 100,
        late_price=20.0 + (seed >> 16) % 40_000 / 100,
        payout=0.02 if seed % 3 == 0 else 0.0,
        shares=1e8,
    )


def _read(row: dict[str, str]) -> Listing:
    return Listing(
        symbol=row["symbol"],
        name=row["name"],
        exchange=row["exchange"],
        currency=row["currency"],
        kind=row["kind"],
        first_day=date.fromisoformat(row["first_day"]),
        first_price=float(row["first_price"]),
        late_price=float(row["late_price"]),
        payout=float(row["payout"]),
        volatility=float(row["volatility"]),
        shares=float(row["shares"]),
        splits=tuple(_split(text) for text in row["splits"].split(";") if text),
    )


def _split(text: str) -> Split:
    day, ratio = text.split(" ")
    numerator, denominator = ratio.split(":")
    return Split(date.fromisoformat(day), float(numerator), float(denominator))


_UNIVERSE = files("stockjobs.simulator").joinpath("universe.csv").read_text(encoding="utf-8")
_KNOWN = {row["symbol"]: _read(row) for row in csv.DictReader(_UNIVERSE.splitlines())}
