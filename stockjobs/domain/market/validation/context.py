"""What is known around an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import CorporateAction, Prices, Seconds
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Spans

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tail:
    """The stored bars next to an answer, oldest first: when each opens (epoch seconds) and its close."""

    at: Seconds
    close: Prices

    def __len__(self) -> int:
        return len(self.at)


NO_TAIL = Tail(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64))


@dataclass(frozen=True)
class Context:
    """What is known around an answer; a rule that needs what is not known is not applied.

    `interval` is that of the bars, `zone` dates them. `sessions` are those from a day before the first bar to a day after the
    last, None where no calendar reaches. `actions` are the splits and dividends of the answer and the stored ones, `before` the
    last stored bars before the answer and `after` the first ones after it, `unit` what a price counts for in the currency (0.01
    for pence), `kind` the provider's word for what trades (EQUITY).
    """

    now: datetime
    interval: Interval | None = None
    zone: tzinfo = UTC
    sessions: Spans | None = None
    actions: Sequence[CorporateAction] = ()
    before: Tail = NO_TAIL
    after: Tail = NO_TAIL
    unit: float = 1.0
    kind: str = ""
