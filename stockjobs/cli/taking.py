"""Options that belong together, as one value: a verb takes the value, and a function says of which options it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any

import typer

from stockjobs.cli.session import container_of

_NOW = "now"

Verb = Callable[..., None]


def taking(**makers: Callable[..., Any]) -> Callable[[Verb], Verb]:
    """Give a verb the options of functions: where it has a parameter of that name, it takes what the function makes of them.

    A function that has a parameter `now` is told the present time.
    """
    options = {name: _options(made) for name, made in makers.items()}

    def decorated(verb: Verb) -> Verb:
        @wraps(verb)
        def with_options(ctx: typer.Context, **given: Any) -> None:
            said = {name: {option: given.pop(option) for option in of} for name, of in options.items()}
            verb(ctx, **{name: _made(ctx, made, said[name]) for name, made in makers.items()}, **given)

        found = list(_parameters(verb, options))
        # Typer reads both.
        with_options.__signature__ = Signature(found)  # type: ignore[attr-defined]
        with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in found}
        return with_options

    return decorated


def _options(made: Callable[..., Any]) -> dict[str, Parameter]:
    return {name: one for name, one in signature(made, eval_str=True).parameters.items() if name != _NOW}


def _made(ctx: typer.Context, made: Callable[..., Any], said: dict[str, Any]) -> Any:
    if _NOW in signature(made).parameters:
        return made(container_of(ctx).reports.now(), **said)
    return made(**said)


def _parameters(verb: Verb, options: dict[str, dict[str, Parameter]]) -> Iterator[Parameter]:
    """The parameters of a verb, each that stands for options in their form."""
    for name, parameter in signature(verb, eval_str=True).parameters.items():
        if name in options:
            yield from options[name].values()
        else:
            yield parameter.replace(kind=Parameter.KEYWORD_ONLY)
