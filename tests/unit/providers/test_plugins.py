"""Providers that other packages bring, installed as pip leaves them: a package and its metadata on the path."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import InvalidInput
from stockjobs.providers import registry
from stockjobs.providers.registry import BUILT_IN, GROUP

Install = Callable[..., None]

_PLUGIN = """
from dataclasses import dataclass, field
from stockjobs.domain.asking.limits import Limits
from stockjobs.providers.plugin import Plugin

@dataclass(frozen=True)
class Options:
    key: str = field(metadata={{"about": "The key.", "secret": True}})
    pages: int = 3

def limits(interval):
    return Limits()

PLUGIN = Plugin("{name}", "Bars of {name}.", "{module}:Maker", limits, Options)

class Maker:
    def __init__(self, options):
        self.name, self.options = "{name}", options
    def close(self):
        pass
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package with an entry point, as pip would."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def installed(name: str, source: str = _PLUGIN, *, package: str = "", attribute: str = "PLUGIN") -> None:
        package = package or f"{name}_data"
        (tmp_path / f"{package}.py").write_text(source.format(name=name, module=package))
        info = tmp_path / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {package}:{attribute}\n")
        monkeypatch.delitem(sys.modules, package, raising=False)
        registry.forget()

    yield installed
    monkeypatch.undo()
    registry.forget()


def test_a_provider_of_another_package_is_found_and_opened_with_its_options(install: Install) -> None:
    install("acme")
    provider = registry.open_provider("acme", {"key": "k", "pages": "5"})
    assert (provider.name, provider.options.key, provider.options.pages) == ("acme", "k", 5)  # type: ignore[attr-defined]
    assert registry.limits("acme", Interval.M1).max_span is None
    assert registry.names() == ("yahoo", "files", "acme")
    found = {one.name: one for one in registry.every()}
    assert found["acme"].package == "acme_data 1.2"


def test_a_secret_option_is_never_shown_in_a_refusal(install: Install) -> None:
    install("acme")
    with pytest.raises(InvalidInput) as caught:
        registry.open_provider("acme", {"key": "S3CR3T", "pages": "x"})
    assert "providers.acme.pages" in str(caught.value)
    assert "S3CR3T" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "attribute", "told"),
    [
        ("import nowhere_at_all", "PLUGIN", "cannot be loaded: ModuleNotFoundError"),
        ("raise SystemError('x')", "PLUGIN", "cannot be loaded: SystemError: x"),
        (_PLUGIN, "NOTHING", "cannot be loaded: AttributeError"),
        ("PLUGIN = 5", "PLUGIN", "is a int, not a stockjobs.providers.plugin.Plugin"),
        (_PLUGIN.replace('Plugin("{name}"', 'Plugin("other"'), "PLUGIN", "calls itself 'other'"),
    ],
)
def test_a_broken_one_is_told_with_its_package_and_harms_no_other(
    install: Install, source: str, attribute: str, told: str
) -> None:
    install("broken", source, attribute=attribute)
    install("acme")
    with pytest.raises(InvalidInput, match=told) as caught:
        registry.open_provider("broken")
    assert "the package broken_data 1.2" in str(caught.value)
    assert registry.plugin("acme").name == "acme"
    problems = {one.name: one.problem for one in registry.every()}
    assert told in problems["broken"]
    assert [problems[name] for name in ("yahoo", "files", "acme")] == ["", "", ""]


def test_two_packages_with_one_name_are_told_and_none_is_taken(install: Install) -> None:
    install("acme")
    install("acme", package="acme_too")
    with pytest.raises(InvalidInput, match=r"acme_\w+ 1.2 and acme_\w+ 1.2 both bring it"):
        registry.plugin("acme")


def test_nobody_takes_the_place_of_one_of_ours(install: Install) -> None:
    install("yahoo")
    assert registry.plugin("yahoo").about.startswith("Yahoo Finance")


def test_ours_are_entry_points_too() -> None:
    declared = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]["entry-points"][
        GROUP
    ]
    assert declared == BUILT_IN


def test_an_unknown_option_gets_the_nearest_and_one_that_is_missing_its_variable(install: Install) -> None:
    install("acme")
    with pytest.raises(InvalidInput, match=r"providers.acme.page: is not an option of .* \(did you mean pages\?\)"):
        registry.open_provider("acme", {"page": 1})
    with pytest.raises(InvalidInput, match=r"has to be set .*STOCKJOBS_PROVIDERS_ACME_KEY"):
        registry.open_provider("acme")
