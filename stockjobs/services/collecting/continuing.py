"""Continuing: one look at all series of a landing finds those of which nothing is to be told anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from stockjobs.domain.market.bars import Prices
from stockjobs.domain.market.continuing import Following
from stockjobs.domain.market.continuing import continued as go_on
from stockjobs.domain.market.splits import Split
from stockjobs.services.collecting.outdated import Learnt
from stockjobs.services.collecting.retelling import RECENT
from stockjobs.services.collecting.series import Series
from stockjobs.store.market.bar_rows import Stored


def continued(series: Sequence[Series], stored: Mapping[int, Stored], known: Learnt) -> dict[int, Prices]:
    """The series with bars, by identity, that go on from what is stored, with the splits that are in the prices of their bars.

    They have no split to be looked for, so `restating.settled` would find nothing and give them these splits.
    """
    # The first answer of a series is long most of the time, and a look of its own the least of its costs.
    plain = [one for one in series if len(stored[id(one)]) and _is_without_split(one, known.heard(one.instrument.id))]
    beside = [(one, stored[id(one)]) for one in plain]
    found = go_on([Following(there.bars, there.split_factor, one.came, one.interval) for one, there in beside])
    return {id(one): factor for one, factor in zip(plain, found, strict=True) if factor is not None}


def _is_without_split(series: Series, heard: Mapping[Split, datetime]) -> bool:
    """True if no split is told of, and all known ones are long past, and known for long."""
    since = int(series.came.at[0]) - RECENT.total_seconds()
    is_told = any(one.kind == "split" for one in series.actions)
    return not is_told and all(split.at < since and at.timestamp() < since for split, at in heard.items())
