"""The providers by their names: those that come with stockjobs, and those that other packages bring by entry point.

An entry point of the group `stockjobs.providers` gives a provider's name and the place of its `Plugin`. What is broken in one
package is told when its provider is asked for, and is nobody else's trouble.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import InvalidInput
from stockjobs.providers.base import Provider
from stockjobs.providers.plugin import Plugin

GROUP = "stockjobs.providers"

BUILT_IN = {
    "yahoo": "stockjobs.providers.yahoo.plugin:PLUGIN",
    "files": "stockjobs.providers.files.plugin:PLUGIN",
}
"""Those that come with stockjobs. They are entry points too; but to find them so, every installed package would be looked at."""

_OURS = "stockjobs"


@dataclass(frozen=True)
class Found:
    """A provider that is installed: its name, the package that brings it, and its plugin or why it cannot be used."""

    name: str
    package: str
    plugin: Plugin | None
    problem: str = ""


def open_provider(name: str, options: object = None) -> Provider:
    """The provider of that name; it connects at its first call. Raises `InvalidInput` for an unknown name or a bad option.

    `options` are an instance of the provider's options, or its words as in a file of settings.
    """
    return plugin(name).open(options)


def preload(name: str) -> None:
    """Import what the provider needs, without opening anything: done before a fork, it is paid for once."""
    plugin(name).preload()


def limits(name: str, interval: Interval) -> Limits:
    """What the provider serves of an interval, without importing or opening it."""
    return plugin(name).limits(interval)


def check_name(name: str, where: str = "provider") -> None:
    """Raise `InvalidInput`, with the nearest name, when there is no such provider."""
    if name in BUILT_IN or name in _third_parties():
        return
    known = names()
    nearest = get_close_matches(name.lower(), known, n=1)
    hint = (
        f"did you mean {nearest[0]}?"
        if nearest
        else f"known: {', '.join(known)}; is its package installed in this environment?"
    )
    raise InvalidInput.because(where, f"there is no provider {excerpt(name)}", hint)


def names() -> tuple[str, ...]:
    """The names of all providers that are installed."""
    return (*BUILT_IN, *sorted(_third_parties()))


@cache
def plugin(name: str) -> Plugin:
    """What the provider of a name says of itself. Raises `InvalidInput` for an unknown name, and for one that is broken."""
    check_name(name)
    if name in BUILT_IN:
        return _loaded(EntryPoint(name, BUILT_IN[name], GROUP))
    first, *more = _third_parties()[name]
    if more:
        packages = " and ".join(_package(one) for one in (first, *more))
        raise InvalidInput.because(f"provider {name}", f"{packages} both bring it", "uninstall one of them")
    return _loaded(first)


def every() -> Iterator[Found]:
    """All providers that are installed, also those that cannot be used."""
    for name in BUILT_IN:
        yield Found(name, _OURS, plugin(name))
    for name, points in sorted(_third_parties().items()):
        package = ", ".join(_package(point) for point in points)
        try:
            yield Found(name, package, plugin(name))
        except InvalidInput as error:
            yield Found(name, package, None, error.problems[0].message)


def forget() -> None:
    """Look again at what is installed, when it is asked for next."""
    plugin.cache_clear()
    _third_parties.cache_clear()


@cache
def _third_parties() -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        # Nobody takes the place of one of ours: jobs would silently collect from somewhere else.
        if point.name not in BUILT_IN:
            found.setdefault(point.name, []).append(point)
    return found


def _loaded(point: EntryPoint) -> Plugin:
    try:
        found = point.load()
    except Exception as error:  # whatever a foreign module raises while it is imported
        raise _broken(point, f"cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(found, Plugin):
        raise _broken(point, f"is a {type(found).__name__}, not a stockjobs.providers.plugin.Plugin")
    if found.name != point.name:
        raise _broken(point, f"calls itself {excerpt(found.name)}")
    return found


def _broken(point: EntryPoint, what: str) -> InvalidInput:
    message = f"{point.value} of the package {_package(point)} {what}"
    return InvalidInput.because(f"provider {point.name}", message, "mend or uninstall that package")


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else _OURS
