"""What can be chosen about the provider `files`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import InvalidInput

Prices = Literal["split-adjusted", "as-traded"]


def _about(text: str) -> dict[str, str]:
    return {"about": text}


@dataclass(frozen=True)
class FilesOptions:
    """Where the files are, and what they do not say of themselves."""

    root: Path = field(metadata=_about("The folder with the files."))
    prices: Prices = field(
        default="split-adjusted",
        metadata=_about(
            "as-traded: prices, volumes and dividends are brought to today's shares by the splits in the files."
        ),
    )
    interval: Interval = field(
        default=Interval.D1, metadata=_about("The interval of files whose name and folder say none.")
    )
    default_zone: str = field(
        default="",
        metadata=_about("The zone of times without an offset, where instruments.csv and the symbol say none."),
    )
    default_currency: str = field(
        default="", metadata=_about("The currency of what instruments.csv does not name: USD, GBp, …")
    )

    def __post_init__(self) -> None:
        try:
            if self.default_zone:
                ZoneInfo(self.default_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            what = f"{self.default_zone[:40]!r} is not a time zone"
            raise InvalidInput.because("providers.files.default_zone", what, "such as Europe/London") from None
