"""The books of a listed company: quarters that follow from its size, and years that are the sum of their quarters.

Sums hold as they do in real statements: gross profit is revenue less its cost, assets are liabilities and equity.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from stockjobs.simulator.history import History
from stockjobs.simulator.noise import normal

PUBLISHED_AFTER = timedelta(days=35)
"""A quarter's figures appear so long after its end."""

_GROWTH = 0.06
_TAX_RATE = 0.21
_SEASONS = (0.96, 0.98, 1.0, 1.06)


@dataclass(frozen=True)
class Books:
    """One quarter: `flows` are sums over it (years add them up), `levels` stand at its end."""

    end: date
    flows: dict[str, float]
    levels: dict[str, float]


def files_accounts(history: History) -> bool:
    """True for companies; funds, indices, coins and currencies file nothing."""
    return history.listing.kind == "EQUITY"


def quarter_ends(first: date, last: date) -> list[date]:
    """The last days of the calendar quarters with first ≤ day ≤ last."""
    months = range(first.year * 12, last.year * 12 + 13, 3)
    ends = [date(month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in months]
    return [end for end in ends if first <= end <= last]


def books(history: History, end: date) -> Books:
    """The books of the quarter that ends on a day."""
    revenue = _revenue(history, end)
    margin = 0.45 + 0.02 * _noise(history, end, 1)
    gross = revenue * margin
    research, selling = revenue * 0.08, revenue * 0.09
    depreciation, interest = revenue * 0.04, revenue * 0.01
    operating = gross - research - selling
    pretax = operating - interest
    tax = pretax * _TAX_RATE
    net = pretax - tax
    shares = history.listing.shares
    flows = {
        "TotalRevenue": revenue,
        "OperatingRevenue": revenue,
        "CostOfRevenue": revenue - gross,
        "GrossProfit": gross,
        "ResearchAndDevelopment": research,
        "SellingGeneralAndAdministration": selling,
        "OperatingExpense": research + selling,
        "OperatingIncome": operating,
        "EBIT": operating,
        "EBITDA": operating + depreciation,
        "ReconciledDepreciation": depreciation,
        "InterestExpense": interest,
        "PretaxIncome": pretax,
        "TaxProvision": tax,
        "NetIncome": net,
        "NetIncomeCommonStockholders": net,
        "NetIncomeContinuousOperations": net,
        "BasicEPS": net / shares,
        "DilutedEPS": net / (shares * 1.01),
    }
    flows |= _cash(history, revenue=revenue, net=net, depreciation=depreciation)
    return Books(end, flows, _levels(revenue * 4, shares))


def _cash(history: History, *, revenue: float, net: float, depreciation: float) -> dict[str, float]:
    stock_pay, invested = revenue * 0.015, revenue * -0.05
    operating = net + depreciation + stock_pay
    dividends = -net * 0.3 if history.listing.payout else 0.0
    bought_back = -net * 0.2
    return {
        "OperatingCashFlow": operating,
        "NetIncomeFromContinuingOperations": net,
        "DepreciationAndAmortization": depreciation,
        "StockBasedCompensation": stock_pay,
        "CapitalExpenditure": invested,
        "InvestingCashFlow": invested,
        "FinancingCashFlow": dividends + bought_back,
        "CashDividendsPaid": dividends,
        "RepurchaseOfCapitalStock": bought_back,
        "FreeCashFlow": operating + invested,
        "ChangesInCash": operating + invested + dividends + bought_back,
    }


def _levels(year: float, shares: float) -> dict[str, float]:
    cash, receivables, inventory = year * 0.25, year * 0.15, year * 0.08
    current, plant, goodwill = cash + receivables + inventory, year * 0.5, year * 0.2
    payable, short_debt, long_debt = year * 0.14, year * 0.05, year * 0.3
    assets, liabilities = current + plant + goodwill, payable + short_debt + long_debt
    return {
        "TotalAssets": assets,
        "CurrentAssets": current,
        "CashAndCashEquivalents": cash,
        "AccountsReceivable": receivables,
        "Inventory": inventory,
        "NetPPE": plant,
        "Goodwill": goodwill,
        "TotalLiabilitiesNetMinorityInterest": liabilities,
        "CurrentLiabilities": payable + short_debt,
        "AccountsPayable": payable,
        "CurrentDebt": short_debt,
        "LongTermDebt": long_debt,
        "TotalDebt": short_debt + long_debt,
        "NetDebt": short_debt + long_debt - cash,
        "WorkingCapital": current - payable - short_debt,
        "StockholdersEquity": assets - liabilities,
        "CommonStockEquity": assets - liabilities,
        "OrdinarySharesNumber": shares,
        "ShareIssued": shares,
        "BasicAverageShares": shares,
        "DilutedAverageShares": shares * 1.01,
    }


def _revenue(history: History, end: date) -> float:
    """A quarter's revenue: a fifth of the market value of 2024 a year, growing steadily, with a season and some luck."""
    listed = history.listing
    major = listed.late_price / (100.0 if listed.currency in ("GBp", "ILA") else 1.0)
    years = (end - date(2024, 12, 31)).days / 365.25
    luck = 1.0 + 0.02 * _noise(history, end, 0)
    season: float = _SEASONS[(end.month - 1) // 3]
    return float(major * listed.shares * 0.2 / 4 * (1 + _GROWTH) ** years * season * luck)


def _noise(history: History, end: date, salt: int) -> float:
    return float(normal(history.seed + 20 + salt, np.array(end.toordinal())))
