"""The provider `yahoo`, as the registry knows it. Importing this costs nothing: yfinance takes some seconds."""

from __future__ import annotations

from stockjobs.domain.asking.budgets import Budget
from stockjobs.providers.plugin import Plugin
from stockjobs.providers.yahoo.limits import limits
from stockjobs.providers.yahoo.options import YahooOptions

CAREFUL = Budget(per_second=2, per_minute=60, per_hour=1_500)
"""A careful guess: Yahoo publishes no limit. See docs/budget.md."""

PLUGIN = Plugin(
    name="yahoo",
    about="Yahoo Finance, through yfinance's session.",
    provider="stockjobs.providers.yahoo.provider:YahooProvider",
    limits=limits,
    options=YahooOptions,
    budget=CAREFUL,
)
