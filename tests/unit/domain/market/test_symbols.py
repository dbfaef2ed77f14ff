"""The grammar of symbols."""

from __future__ import annotations

import pytest

from stockjobs.domain.market.symbols import normalise
from stockjobs.errors import InvalidInput


@pytest.mark.parametrize(
    "symbol",
    ["AAPL", "BRK.B", "BRK-B", "^GSPC", "EURUSD=X", "005930.KS", "M&M.NS", "BTC-USD", "ES=F", "ON", "7203.T", "A" * 24],
)
def test_a_symbol_of_the_markets_is_accepted_unchanged(symbol: str) -> None:
    assert normalise(symbol) == symbol


def test_small_letters_and_surrounding_blanks_are_normalised() -> None:
    assert normalise("  brk-b ") == "BRK-B"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("AAPL\n", "control character"),
        ("\tAAPL", "control character"),
        ("AA\x00PL", "control character"),
        ("AAPL\u202e", "control character"),
        ("ＡＡＰＬ", "outside of ASCII"),
        ("АAPL", "outside of ASCII"),
        ("straße", "outside of ASCII"),
        ("../../etc/passwd", "is a path"),
        ("..", "is a path"),
        ("A\\B", "is a path"),
        ("https://a.io/x", "is a URL"),
        ("%2E%2E", "is not a symbol"),
        ("AAPL?x=1#", "is not a symbol"),
        ("AA PL", "is not a symbol"),
        ("'; DROP TABLE", "is not a symbol"),
        ("^", "is not a symbol"),
        ("-AAPL", "is not a symbol"),
        ("&M", "is not a symbol"),
        ("US0378331005", "looks like an ISIN"),
        ("us0378331005", "looks like an ISIN"),
        ("A" * 25, "is not a symbol"),
        ("A" * 300, "has 300 characters"),
    ],
)
def test_what_is_no_symbol_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        normalise(text)


def test_the_error_names_the_place_and_shortens_what_came() -> None:
    with pytest.raises(InvalidInput) as caught:
        normalise("x" * 300, where="spec.symbols[3]")
    assert caught.value.problems[0].where == "spec.symbols[3]"
    assert len(str(caught.value)) < 160
