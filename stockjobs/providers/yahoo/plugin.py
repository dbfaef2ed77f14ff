"""The provider `yahoo`, as the registry knows it. Importing this costs nothing: yfinance takes some seconds."""

from __future__ import annotations

from stockjobs.providers.plugin import Plugin
from stockjobs.providers.yahoo.limits import limits
from stockjobs.providers.yahoo.options import YahooOptions

PLUGIN = Plugin(
    name="yahoo",
    about="Yahoo Finance, through yfinance's session.",
    provider="stockjobs.providers.yahoo.provider:YahooProvider",
    limits=limits,
    options=YahooOptions,
)
