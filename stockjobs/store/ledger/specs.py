"""Stored definitions, read and checked: each once a process, as checking a large one takes longer than running a task of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from stockjobs.domain.work.jobs import JobSpec
from stockjobs.errors import SchemaMismatch

SYMBOLS_KEPT = 500_000
"""How much is kept: so many symbols, where the rest of a definition counts as fifty. That is some 40 MB."""

_REST = 50


def read_spec(document: Mapping[str, Any]) -> JobSpec:
    """A stored definition. What a newer stockjobs has added to it is passed over, so that old and new nodes run side by side."""
    try:
        return JobSpec.model_validate(document, extra="ignore")
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise SchemaMismatch(
            f"a stored definition cannot be read ({place}: {problem['msg']}): update stockjobs"
        ) from error


class Specs:
    """Definitions by their digest, which names one for ever."""

    def __init__(self, room: int = SYMBOLS_KEPT) -> None:
        self._kept: dict[str, JobSpec] = {}
        self._room = self._left = room

    def get(self, digest: str, document: Callable[[], Mapping[str, Any]]) -> JobSpec:
        """The definition with this digest; `document` is asked for it if it is not kept. Raises SchemaMismatch."""
        known = self._kept.get(digest)
        return known if known is not None else self._keep(digest, read_spec(document()))

    def _keep(self, digest: str, spec: JobSpec) -> JobSpec:
        self._left -= _REST + len(spec.symbols)
        if self._left < 0:
            self._kept, self._left = {}, self._room - _REST - len(spec.symbols)
        self._kept[digest] = spec
        return spec
