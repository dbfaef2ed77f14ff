"""The dividends and splits inside a chart's window."""

from __future__ import annotations

from stockjobs.simulator.asking import Ask
from stockjobs.simulator.edits import Edits
from stockjobs.simulator.history import effective
from stockjobs.simulator.snapshot import Snapshot, single

Event = dict[str, float | int | str]


def events(snapshot: Snapshot, ask: Ask, edits: Edits) -> dict[str, dict[str, Event]]:
    """What a request for events gets: each kind that was asked for and happened, by its date."""
    found = {}
    if ask.events & {"div", "dividends"}:
        found["dividends"] = _dividends(snapshot, ask)
    if ask.events & {"split", "splits"}:
        found["splits"] = _splits(snapshot, ask, edits)
    return {kind: by_date for kind, by_date in found.items() if by_date}


def _dividends(snapshot: Snapshot, ask: Ask) -> dict[str, Event]:
    opened = snapshot.history.days.open
    dated = ((int(opened[paid.index]), paid.amount) for paid in snapshot.history.dividends)
    return {
        str(at): {"amount": single(round(amount * snapshot.factor, 6)), "date": at}
        for at, amount in dated
        if ask.start <= at < ask.end and at <= snapshot.now
    }


def _splits(snapshot: Snapshot, ask: Ask, edits: Edits) -> dict[str, Event]:
    days = snapshot.history.days
    listed = effective(snapshot.history.listing.splits, days)
    known = [(at, split.numerator, split.denominator) for at, split in listed]
    for declared in edits.splits.get(snapshot.history.listing.symbol, ()):
        if declared.at <= snapshot.now:
            session = max(days.started(declared.at) - 1, 0)
            known.append((int(days.open[session]), declared.numerator, declared.denominator))
    return {
        str(at): {"date": at, "numerator": up, "denominator": down, "splitRatio": f"{up:g}:{down:g}"}
        for at, up, down in sorted(known)
        if ask.start <= at < ask.end and at <= snapshot.now
    }
