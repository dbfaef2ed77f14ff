"""The provider `files`, as the registry knows it."""

from __future__ import annotations

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.files.options import FilesOptions
from stockjobs.providers.plugin import Plugin


def limits(interval: Interval) -> Limits:  # noqa: ARG001 - whatever is in a file can be asked for
    """None: a file is read whole."""
    return Limits()


PLUGIN = Plugin(
    name="files",
    about="CSV and Parquet files in a folder.",
    provider="stockjobs.providers.files.provider:FilesProvider",
    limits=limits,
    options=FilesOptions,
)
