"""What can be wrong with data, and what has become of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from stockjobs.domain.excerpts import excerpt
from stockjobs.errors import InvalidInput


class FindingKind(StrEnum):
    """What a finding is about."""

    REJECTED_BAR = "rejected-bar"
    """A bar that breaks a rule; it was set aside whole."""
    SUSPECT_BAR = "suspect-bar"
    """A bar that breaks a soft rule; it was stored and only noted."""
    REJECTED_ACTION = "rejected-action"
    """A split or a payment that breaks a rule; it was not stored."""
    SUSPECT_ACTION = "suspect-action"
    """A split or a payment that breaks a soft rule; it was stored and only noted."""
    RESTATEMENT = "restatement"
    """The source restated history by a constant ratio; what was stored was restated with it."""
    VARYING_RATIO = "varying-ratio"
    """History came back changed by a ratio that varies; what came was set aside whole."""
    UNCLEAR_SHARES = "unclear-shares"
    """Nothing tells yet whether bars are in the shares from before a split or after it; they are asked for again."""
    REVISION = "revision"
    """The source changed bars that were settled."""
    IDENTITY = "identity"
    """An answer is about something else than what is kept under the symbol."""
    NO_ROWS = "no-rows"
    """A trading day has passed for which the source gave nothing."""
    PERISHING = "perishing"
    """Bars will soon be beyond what the source keeps."""
    SYMBOL = "symbol"
    """A symbol is suspect, dead or renamed."""


class FindingState(StrEnum):
    """What has become of a finding."""

    OPEN = "open"
    """Somebody should look at it; bars that it is about are set aside."""
    NOTED = "noted"
    """Only to be known."""
    RELEASED = "released"
    """Somebody has decided that the bars are good; they were landed, and are not set aside again."""
    REJECTED = "rejected"
    """Somebody has decided that the bars are bad; they stay aside."""
    MENDED = "mended"
    """It was put right since, at the source or here."""


def may_become(state: FindingState) -> tuple[FindingState, ...]:
    """The states in which a finding may be decided to be in this one: who has rejected a bar may still release it."""
    return (FindingState.OPEN, FindingState.REJECTED) if state is FindingState.RELEASED else (FindingState.OPEN,)


@dataclass(frozen=True)
class FindingFilter:
    """Which findings are meant; those made at or after `since` and before `before`. Without anything: all of them."""

    symbol: str | None = None
    kinds: tuple[FindingKind, ...] = ()
    states: tuple[FindingState, ...] = ()
    rule: str | None = None
    provider: str | None = None
    job: UUID | None = None
    since: datetime | None = None
    before: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """True if it says nothing."""
        return self == FindingFilter()


EVERY_FINDING = FindingFilter()

Word = TypeVar("Word", FindingKind, FindingState)


def words_of(texts: Sequence[str], of: type[Word], where: str) -> tuple[Word, ...]:
    """Kinds or states from texts. Raises InvalidInput for one that there is none of."""
    known = {one.value: one for one in of}
    for text in texts:
        if text not in known:
            raise InvalidInput.because(where, f"{excerpt(text)} is not known", f"one of {', '.join(known)}")
    return tuple(known[text] for text in texts)
