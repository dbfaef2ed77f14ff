"""The providers by their names."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import InvalidInput
from stockjobs.providers.registry import check_name, limits, open_provider
from stockjobs.providers.yahoo.options import YahooOptions


def test_a_known_provider_is_made_without_connecting() -> None:
    provider = open_provider("yahoo", YahooOptions(base_url="http://127.0.0.1:1"))
    assert provider.name == "yahoo"
    assert provider.limits(Interval.M1) == limits("yahoo", Interval.M1)
    provider.close()


def test_an_unknown_provider_gets_the_nearest_name() -> None:
    with pytest.raises(InvalidInput, match="did you mean yahoo"):
        open_provider("Yaho")


def test_a_far_off_name_gets_the_known_ones_and_its_place() -> None:
    with pytest.raises(InvalidInput, match="known: yahoo") as caught:
        check_name("quandl", where="spec.provider")
    assert caught.value.problems[0].where == "spec.provider"


def test_asking_for_limits_imports_neither_yfinance_nor_pandas() -> None:
    program = (
        "import sys; from stockjobs.providers.registry import limits; from stockjobs.domain.market.intervals import Interval;"
        "limits('yahoo', Interval.M1); sys.exit(bool({'yfinance', 'pandas', 'curl_cffi'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
