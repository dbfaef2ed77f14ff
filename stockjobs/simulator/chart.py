"""`/v8/finance/chart/{symbol}`: bars, events and meta in Yahoo's JSON."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import PRICES
from stockjobs.simulator.asking import Ask, read_ask
from stockjobs.simulator.events import events
from stockjobs.simulator.market import Market
from stockjobs.simulator.meta import close_before, meta
from stockjobs.simulator.replies import Query, Refused, Reply, json_reply, refusal
from stockjobs.simulator.rows import Prices, Rows
from stockjobs.simulator.series import bars

_CACHED = (("Cache-Control", "public, max-age=10, stale-while-revalidate=20"),)


def chart(query: Query, market: Market) -> Reply:
    """The answer to one chart request."""
    snapshot = market.snapshot(query.symbol)
    try:
        if snapshot is None:
            raise Refused(404, "Not Found", "No data found, symbol may be delisted")
        ask = read_ask(query, snapshot.history, snapshot.now)
    except Refused as refused:
        return refusal("chart", refused)
    rows = market.edits.lay_over(bars(snapshot, ask), snapshot.history, ask.grain)
    result: dict[str, object] = {"meta": meta(snapshot, ask, close_before(snapshot, ask.start))}
    happened = events(snapshot, ask, market.edits)
    if happened:
        result["events"] = happened
    return json_reply({"chart": {"result": [result | _columns(rows, ask)], "error": None}}, headers=_CACHED)


def _columns(rows: Rows, ask: Ask) -> dict[str, object]:
    if not len(rows):
        return {"indicators": {"quote": [{}]} | ({} if ask.grain.is_intraday else {"adjclose": [{}]})}
    quote = {name: _prices(getattr(rows, name)) for name in PRICES}
    indicators: dict[str, object] = {"quote": [quote | {"volume": _volumes(rows.volume)}]}
    if not ask.grain.is_intraday:
        indicators["adjclose"] = [{"adjclose": _prices(rows.adjusted)}]
    return {"timestamp": np.ascontiguousarray(rows.at), "indicators": indicators}


def _prices(column: Prices) -> Prices:
    """As Yahoo writes prices: rounded to single precision, written out as doubles."""
    return column.astype(np.float32).astype(np.float64)


def _volumes(column: Prices) -> NDArray[np.int64] | list[int | None]:
    missing = np.isnan(column)
    if not missing.any():
        return column.astype(np.int64)
    return [None if hole else int(value) for hole, value in zip(missing, column, strict=True)]
