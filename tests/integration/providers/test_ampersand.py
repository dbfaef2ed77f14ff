"""A symbol whose name holds a character that means something in a URL."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from stockjobs.errors import SymbolUnknown
from stockjobs.providers.yahoo.options import Engine
from tests.fixtures.scripted import Answer, ScriptedServer
from tests.integration.providers.asking import NOW, days, opened, patient

pytestmark = pytest.mark.integration

UNKNOWN = b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}'


@pytest.mark.parametrize("engine", ["chart", "history"])
def test_an_ampersand_stays_part_of_the_symbol(scripted: ScriptedServer, engine: Engine) -> None:
    scripted.always(Answer(404, UNKNOWN))
    with opened(scripted.url, engine=engine) as provider, pytest.raises(SymbolUnknown):
        days(provider, "M&M.NS")
    (asked,) = (urlsplit(path) for path in scripted.asked if "/chart/" in path)
    assert unquote(asked.path).endswith("/chart/M&M.NS")
    assert "M.NS" not in parse_qs(asked.query)


def test_it_is_quoted_as_a_parameter_too(scripted: ScriptedServer) -> None:
    answers = {"getcrumb": Answer(200, b"crumb"), "timeseries": Answer(200, b'{"timeseries":{"result":[]}}')}
    scripted.script = lambda path: next((one for part, one in answers.items() if part in path), Answer(404, UNKNOWN))
    with opened(scripted.url) as provider:
        provider.facts("M&M.NS", now=NOW, patience=patient())
    queries = [parse_qs(urlsplit(path).query) for path in scripted.asked if "timeseries" in path]
    assert queries
    assert all(query["symbol"] == ["M&M.NS"] for query in queries)
