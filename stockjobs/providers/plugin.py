"""What a provider says of itself before anything of it is opened: the object that an entry point names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stockjobs.domain.asking.budgets import NO_BUDGET, Budget
from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import InvalidInput, Problem
from stockjobs.providers.base import Provider

_NAME = re.compile(r"[a-z][a-z0-9]{0,30}")


@dataclass(frozen=True)
class NoOptions:
    """The options of a provider that has none."""


@dataclass(frozen=True)
class Option:
    """One thing that can be chosen about a provider; `default` is None where it has to be given."""

    name: str
    type: str
    default: str | None
    about: str
    is_secret: bool


@dataclass(frozen=True)
class Plugin:
    """A provider that can be opened.

    `provider` names what makes it, as `module:attribute`: it is imported when the provider is opened, called with an instance
    of `options`, and gives a `stockjobs.providers.base.Provider`. `options` is a dataclass; what can be said of a field is in
    its metadata (`about`, and `secret` for what nobody should see). `limits` is asked while work is planned, so the module
    that holds the plugin imports nothing heavy. `budget` is how often one address may ask it; a provider that has one, or
    goes over the network at all, makes each request inside `patience.request()`.
    """

    name: str
    about: str
    provider: str
    limits: Callable[[Interval], Limits]
    options: type = NoOptions
    budget: Budget = NO_BUDGET

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            # Settings spell it in variables: STOCKJOBS_PROVIDERS_NAME_OPTION.
            raise InvalidInput.because(
                "name", f"{excerpt(self.name)} is no name of a provider", "small letters and digits"
            )
        if not is_dataclass(self.options):
            raise InvalidInput.because(
                f"providers.{self.name}", "its options are no dataclass", "see docs/adding-a-provider.md"
            )

    def open(self, given: object = None) -> Provider:
        """The provider, with options as an instance, as words, or with none. Raises InvalidInput for bad ones."""
        options = given if isinstance(given, self.options) else self.read(given or {})  # type: ignore[arg-type]  # words
        provider: Provider = self._maker()(options)
        return provider

    def preload(self) -> None:
        """Import what the provider needs, without opening anything."""
        self._maker()

    def read(self, words: Mapping[str, object]) -> Any:
        """Options from the words of a file of settings or of the environment. Raises InvalidInput naming every bad one."""
        known = [field.name for field in fields(self.options)]
        unknown = [self._unknown(word, known) for word in words if word not in known]
        if unknown:
            raise InvalidInput(*unknown)
        try:
            return TypeAdapter(self.options).validate_python(dict(words))
        except ValidationError as error:
            raise InvalidInput(*(self._problem(detail) for detail in error.errors())) from None

    def choices(self) -> Iterator[Option]:
        """What can be chosen."""
        for field in fields(self.options):
            about, is_secret = str(field.metadata.get("about", "")), bool(field.metadata.get("secret"))
            yield Option(field.name, _type_of(field), _default_of(field), about, is_secret)

    def _maker(self) -> Callable[[Any], Provider]:
        module, _, attribute = self.provider.partition(":")
        maker: Callable[[Any], Provider] = getattr(import_module(module), attribute)
        return maker

    def _unknown(self, word: str, known: list[str]) -> Problem:
        near = get_close_matches(word, known, n=1)
        cure = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}" if known else "it has none"
        return Problem(f"providers.{self.name}.{word}", f"is not an option of the provider {self.name}", cure)

    def _problem(self, detail: Any) -> Problem:
        where = ".".join(map(str, ("providers", self.name, *detail["loc"])))
        if detail["type"] == "missing":
            variable = f"STOCKJOBS_PROVIDERS_{self.name.upper()}_{str(detail['loc'][0]).upper()}"
            return Problem(where, "has to be set", f"in stockjobs.toml under [providers.{self.name}], or by {variable}")
        return Problem(where, str(detail["msg"]).removeprefix("Value error, "), "see `stockctl providers`")


def _type_of(field: Field[Any]) -> str:
    return field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))


def _default_of(field: Field[Any]) -> str | None:
    if field.default is not MISSING:
        return str(field.default)
    return None if field.default_factory is MISSING else str(field.default_factory())
