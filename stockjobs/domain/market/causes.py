"""Why bars are missing: what is known of the sessions and times that a series lacks, put together. All of it is columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.coverage import Cause, Places, Slots
from stockjobs.domain.market.sessions import Seconds, Spans

_CAUSES = tuple(Cause)
_NUMBER = {cause: number for number, cause in enumerate(_CAUSES)}


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a series: what the source said of whole days, which slots were set aside (by key), on which sessions
    (by place) nothing was traded, and since when (epoch seconds) the source still keeps bars."""

    said: Mapping[date, Cause]
    set_aside: Seconds
    untraded: Places
    kept_since: float = 0.0


@dataclass(frozen=True, eq=False)
class Lack:
    """Bars of one session that are missing for one cause: the session's place, and how many."""

    session: int
    cause: Cause
    bars: int


def lacks(
    expected: Slots, missing: NDArray[np.bool_], spans: Spans, settled: NDArray[np.bool_], evidence: Evidence
) -> list[Lack]:
    """What is missing of each session, oldest first, by cause."""
    number = _numbered(expected, missing, spans, evidence)
    number[~settled[expected.session]] = _NUMBER[Cause.NOT_YET]
    pairs, count = np.unique(expected.session[missing] * len(_CAUSES) + number[missing], return_counts=True)
    return [
        Lack(int(pair) // len(_CAUSES), _CAUSES[int(pair) % len(_CAUSES)], int(bars))
        for pair, bars in zip(pairs, count, strict=True)
    ]


def _numbered(expected: Slots, missing: NDArray[np.bool_], spans: Spans, evidence: Evidence) -> NDArray[np.intp]:
    """The number of the cause for which each slot is missing if it is; what is surer stands further below."""
    session = expected.session
    number = np.full(len(expected), _NUMBER[Cause.UNKNOWN], dtype=np.intp)
    number[expected.at < evidence.kept_since] = _NUMBER[Cause.BEYOND_RETENTION]
    has_some = np.bincount(session[~missing], minlength=len(spans)) > 0
    if has_some.any():
        # A window ends within a session only where the series begins: whoever got its other bars has asked for these too.
        has_some[int(np.argmax(has_some))] = False
    is_asked = has_some[session] & ~_before_it_went_on(expected, missing, spans, evidence)
    number[is_asked] = _NUMBER[Cause.SOURCE_ABSENT]
    number[np.isin(session, evidence.untraded)] = _NUMBER[Cause.HALTED]
    lacking = np.unique(session[missing])
    for place, day in zip(lacking.tolist(), spans.day[lacking].tolist(), strict=True):
        if day in evidence.said and not (evidence.said[day] is Cause.SOURCE_ABSENT and place in evidence.untraded):
            number[session == place] = _NUMBER[evidence.said[day]]
    number[np.isin(expected.key, evidence.set_aside)] = _NUMBER[Cause.SET_ASIDE]
    return number


def _before_it_went_on(
    expected: Slots, missing: NDArray[np.bool_], spans: Spans, evidence: Evidence
) -> NDArray[np.bool_]:
    """The slots before the first bar of a session that follows one of which nobody has asked for anything: after an outage a
    source may keep the later part of a session alone.
    """
    session, is_there = expected.session, ~missing
    first = np.full(len(spans), np.iinfo(np.int64).max)
    np.minimum.at(first, session[is_there], expected.at[is_there])
    has_some = np.bincount(session[is_there], minlength=len(spans)) > 0
    is_said = np.isin(spans.day, np.array(sorted(evidence.said), dtype="datetime64[D]"))
    goes_on = has_some & np.concatenate([[False], ~(has_some | is_said)[:-1]])
    return np.asarray(goes_on[session] & (expected.at < first[session]))
