"""The example of docs/adding-a-provider.md, installed as pip would and held to every check."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from runpy import run_path
from threading import Thread

import pytest

from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import MalformedReply, ProviderDown, ProviderError, RateLimited, Unauthorized
from stockjobs.providers import registry
from stockjobs.providers.conformance import CHECKS, Check, Question
from tests.fixtures.scripted import Answer, ScriptedServer
from tests.integration.providers.asking import patient

pytestmark = pytest.mark.integration

START, END, NOW = (datetime(2024, 1, day, tzinfo=UTC) for day in (2, 10, 20))
_ROOT = Path(__file__).parents[3]
_PAGE = (_ROOT / "docs" / "adding-a-provider.md").read_text(encoding="utf-8")
_SOURCE, _PROJECT = (re.findall(rf"```{kind}\n(.*?)```", _PAGE, re.DOTALL)[0] for kind in ("python", "toml"))


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer) -> Iterator[ScriptedServer]:
    """The package of the page, installed; and the server that it asks."""
    project = tomllib.loads(_PROJECT)["project"]
    (tmp_path / "acme_stockjobs.py").write_text(_SOURCE)
    info = tmp_path / "acme_stockjobs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = project["entry-points"][registry.GROUP].items()
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n" + "".join(f"{name} = {at}\n" for name, at in points))
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.forget()
    yield scripted
    monkeypatch.undo()
    sys.modules.pop("acme_stockjobs", None)
    registry.forget()


@pytest.fixture(scope="module")
def example() -> Iterator[str]:
    """Where the server of the page answers."""
    handler = run_path(str(_ROOT / "examples" / "acme_server.py"))["Acme"]
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Silent", (handler,), {"log_message": lambda *_: None})) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_the_example_passes_every_check(acme: ScriptedServer, example: str, check: Check) -> None:
    opener = partial(registry.open_provider, "acme", {"key": "secret", "url": example})
    check.run(Question(opener, "AAPL", Interval.D1, START, END, NOW))


def test_a_wrong_key_is_told_by_the_server_of_the_page(acme: ScriptedServer, example: str) -> None:
    provider = registry.open_provider("acme", {"key": "wrong", "url": example})
    with pytest.raises(Unauthorized):
        provider.bars(BarsRequest("AAPL", Interval.D1, START, END), now=NOW, patience=patient())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(429), RateLimited),
        (Answer(401), Unauthorized),
        (Answer(503), ProviderDown),
        (None, ProviderDown),
        (Answer(200, b"<html>"), MalformedReply),
        (Answer(200, b"{}"), MalformedReply),
    ],
)
def test_the_example_tells_failures_apart(
    acme: ScriptedServer, answer: Answer | None, error: type[ProviderError]
) -> None:
    acme.always(answer)
    provider = registry.open_provider("acme", {"key": "k", "url": acme.url})
    with pytest.raises(error):
        provider.bars(BarsRequest("AAPL", Interval.D1, START, END), now=NOW, patience=patient())


def test_the_example_is_as_short_as_the_page_says() -> None:
    assert len(_SOURCE.splitlines()) < 100
