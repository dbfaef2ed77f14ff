"""A series on its way into the store: what an attempt brought of one instrument at one interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

import numpy as np

from stockjobs.domain.market.actions import Action
from stockjobs.domain.market.bars import Bars, CorporateAction, Seconds, chained
from stockjobs.domain.market.days import in_place
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.splits import Split, placed, splits_in
from stockjobs.services.collecting.checking import Judged
from stockjobs.services.market.calendars import zone_of
from stockjobs.store.database import Connection
from stockjobs.store.ledger.claims import Claim
from stockjobs.store.market import gaps
from stockjobs.store.market.concerns import EVERY_CONCERN, Concerns
from stockjobs.store.market.gaps import Gap
from stockjobs.store.market.instruments import Instrument


@dataclass(frozen=True)
class Step:
    """The transaction that lands an attempt: its connection, its claim, its time; `landing` gives its number.

    `known_actions` are those of instruments that were read for it, and not written since; `concerns` says what there was about
    its instruments when nobody else could land anything of them any more.
    """

    connection: Connection
    claim: Claim
    now: datetime
    landing: Callable[[], int]
    known_actions: dict[int, Sequence[Action]] = field(default_factory=dict)
    concerns: Concerns = EVERY_CONCERN

    @cached_property
    def known_gaps(self) -> Mapping[int, Mapping[date, Gap]]:
        """The gaps of the instruments that bear the task's symbols, as they were before the landing; read once for it."""
        claim = self.claim
        if claim.interval is None or not self.concerns.gaps:
            return {}
        return gaps.of_symbols(self.connection, claim.spec.provider, claim.symbols, claim.interval)


@dataclass(frozen=True, eq=False)
class Series:
    """The answers of one instrument at one interval, after their check.

    `came` are the good bars of all answers, oldest first, each time once, and of a day and longer each day, week or month once.
    """

    instrument: Instrument
    interval: Interval
    judged: tuple[Judged, ...]
    came: Bars

    def beside(self, stored: Bars) -> Series:
        """The same, with bars of a day and longer at the times at which those of their days are stored."""
        came = in_place(stored, self.came, self.interval, zone_of(self.instrument))
        return self if came is self.came else replace(self, came=came)

    @property
    def released_at(self) -> Seconds:
        """The times (epoch seconds) of bars that broke a rule and that somebody has released at these prices."""
        return np.array([at for judged in self.judged for at in judged.released_at], dtype=np.int64)

    @cached_property
    def actions(self) -> tuple[CorporateAction, ...]:
        """The corporate actions of all answers, each once."""
        told = {(one.kind, one.at): one for judged in self.judged for one in judged.answer.reply.actions}
        return tuple(told.values())

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that the answers tell of, as the bars of the series see them."""
        return self.placed(splits_in(self.actions))

    def placed(self, splits: Sequence[Split]) -> tuple[Split, ...]:
        """Splits as the bars of the series see them."""
        return placed(splits, self.interval, zone_of(self.instrument))


def series_of(judged: Sequence[Judged]) -> list[Series]:
    """Answers by what they are about, in the order in which instruments are locked."""
    found: dict[tuple[int, Interval], list[Judged]] = {}
    for one in judged:
        found.setdefault((one.instrument.id, one.answer.request.interval), []).append(one)
    return [
        Series(those[0].instrument, interval, tuple(those), _came(those, interval))
        for (_, interval), those in sorted(found.items(), key=lambda item: item[0])
    ]


def _came(judged: Sequence[Judged], interval: Interval) -> Bars:
    """The good bars of several answers; what came last counts."""
    if len(judged) == 1:
        return judged[0].good
    bars = chained([one.good for one in judged])
    _, from_the_end = np.unique(bars.at[::-1], return_index=True)
    each_once = bars.where(np.asarray(len(bars) - 1 - from_the_end, dtype=np.intp))
    return in_place(Bars.empty(), each_once, interval, zone_of(judged[0].instrument))
