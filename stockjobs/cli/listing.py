"""Groups of verbs that list things by themselves: a name that is typed after one of them belongs to the verb that shows it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from stockjobs.errors import InvalidInput


class Listing(TyperGroup):
    """A group that says which of its verbs was meant where a name, or an option of that verb, is typed in the verb's place."""

    shows: ClassVar[str] = "show"
    """The verb that takes names."""
    options: ClassVar[Sequence[str]] = ()
    """Those of its options that the group itself has not."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the options of the group. Raises InvalidInput for one of its verb."""
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if getattr(error, "option_name", None) in self.options:
                raise self._meant(ctx, error, typed) from error
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that is typed. Raises InvalidInput for what is none, nor like one."""
        typed = list(args)
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            if "Did you mean" in error.message:
                raise
            raise self._meant(ctx, error, typed) from error

    def _meant(self, ctx: Any, error: typer.TyperException, typed: Sequence[str]) -> InvalidInput:
        said = error.message.rstrip(".")
        hint = f"`{ctx.command_path} {self.shows} {shlex.join(typed)}` is what takes it"
        return InvalidInput.because("", said[:1].lower() + said[1:], hint)
